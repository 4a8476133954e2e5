/** `/metrics` and `/metrics/compat` over HTTP, for Prometheus. */
import { createServer, type Server } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import type { Exporter } from '../../monitoring/index.ts';
import { listen } from '../http-listen.ts';
import { splitListen } from './listen-address.ts';

/** Exporters by path. */
export type MetricsPages = ReadonlyMap<string, Exporter>;

export class MetricsServer {
  readonly address: string;
  readonly #server: Server;
  readonly #onError: ((error: Error) => void) | undefined;
  #pages: MetricsPages;

  /** @param onError hears of errors while it listens */
  constructor(pages: MetricsPages, address: string, onError?: (error: Error) => void) {
    this.address = address;
    this.#pages = pages;
    this.#onError = onError;
    this.#server = createServer((request, response) => {
      const exporter = request.method === 'GET' ? this.#pages.get(request.url?.split('?')[0] ?? '') : undefined;
      if (!exporter) {
        response.writeHead(404, { 'content-type': 'text/plain' });
        response.end(`The metrics are at ${[...this.#pages.keys()].join(' and ')}.\n`);
        return;
      }
      exporter.scrape().then(
        (pieces) => {
          const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
          response.writeHead(200, { 'content-type': exporter.contentType, 'content-length': length });
          // As fast as they are taken, and not all at once. Who hangs up early has had enough.
          pipeline(Readable.from(pieces), response, () => {});
        },
        (error: unknown) => {
          response.writeHead(500, { 'content-type': 'text/plain' });
          response.end(`${error instanceof Error ? error.message : error}\n`);
        },
      );
    });
  }

  /** Has other metrics from now on. */
  show(pages: MetricsPages): void {
    this.#pages = pages;
  }

  async listen(): Promise<void> {
    const { host, port } = splitListen(this.address);
    await listen(this.#server, { port, host }, this.#onError);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
