/** The server of the live page: listens, and lets go of everybody when it closes. */
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { listen } from '../http-listen.ts';
import { Access, type TokenWay } from './access.ts';
import { createApp, type WebSources } from './app.ts';

export interface WebServerOptions {
  readonly address: string;
  readonly port: number;
  readonly token: string | undefined;
  /** Hears of wrong tokens. */
  readonly refused: (client: string, way: TokenWay) => void;
  /** Hears of errors while it listens. */
  readonly onError?: (error: Error) => void;
}

export class WebServer {
  /** Where a browser finds the page. */
  readonly url: string;
  readonly #server: Server;
  readonly #sources: Omit<WebSources, 'access'>;
  readonly #options: WebServerOptions;

  constructor(options: WebServerOptions, sources: Omit<WebSources, 'access'>) {
    this.#options = options;
    const host = options.address.includes(':') ? `[${options.address}]` : options.address;
    this.url = `http://${host}:${options.port}/`;
    this.#sources = sources;
    const app = createApp({ ...sources, access: new Access(options.token, options.refused) });
    this.#server = createAdaptorServer({ fetch: app.fetch }) as Server;
    this.#server.headersTimeout = 10_000;
    this.#server.requestTimeout = 10_000;
    this.#server.maxConnections = 256;
  }

  async listen(): Promise<void> {
    const { port, address, onError } = this.#options;
    await listen(this.#server, { port, host: address }, onError);
  }

  close(): void {
    this.#sources.hub.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
