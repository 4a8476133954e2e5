/**
 * `/metrics` and `/metrics/compat` over HTTP, for Prometheus.
 *
 * On a loopback address only this machine may ask, and a page of a stranger in one of its browsers may not: it would
 * have its own name point here (DNS rebinding), so names that are not known are refused. Elsewhere there is nothing to
 * protect in this way, and Prometheus may scrape by any name, unless some are given.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import type { Exporter } from '../../monitoring/index.ts';
import { listen } from '../http-listen.ts';
import { isLoopback } from '../web/access.ts';
import { hostOf, isKnown, lowerCase, strangeHost } from '../web/headers.ts';
import { splitListen } from './listen-address.ts';

/** Exporters by path. */
export type MetricsPages = ReadonlyMap<string, Exporter>;

const TIMEOUT_MS = 10_000;
const CONNECTIONS = 64;

export class MetricsServer {
  readonly address: string;
  readonly #server: Server;
  readonly #onError: ((error: Error) => void) | undefined;
  #pages: MetricsPages;
  #names: ReadonlySet<string>;

  /**
   * @param names it is asked for by, besides addresses and localhost; none: any, if it is not on a loopback address
   * @param onError hears of errors while it listens
   */
  constructor(pages: MetricsPages, address: string, names: readonly string[], onError?: (error: Error) => void) {
    this.address = address;
    this.#pages = pages;
    this.#names = lowerCase(names);
    this.#onError = onError;
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.headersTimeout = TIMEOUT_MS;
    this.#server.requestTimeout = TIMEOUT_MS;
    this.#server.maxConnections = CONNECTIONS;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const text = (status: number, words: string, more: Readonly<Record<string, string>> = {}): void => {
      response.writeHead(status, { 'content-type': 'text/plain', ...more });
      response.end(words);
    };
    response.setHeader('x-content-type-options', 'nosniff');
    const { host } = request.headers;
    const exporter = this.#pages.get(request.url?.split('?')[0] ?? '');
    if (!this.#answersTo(host)) text(421, strangeHost(hostOf(host), 'metrics.names'));
    else if (!exporter) text(404, `The metrics are at ${[...this.#pages.keys()].join(' and ')}.\n`);
    else if (request.method !== 'GET' && request.method !== 'HEAD')
      text(405, 'The metrics are only read.\n', { allow: 'GET, HEAD' });
    else this.#send(exporter, request.method === 'HEAD', response, (error) => text(500, `${error}\n`));
  }

  #send(exporter: Exporter, headOnly: boolean, response: ServerResponse, failed: (error: string) => void): void {
    exporter.scrape().then(
      (pieces) => {
        const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
        response.writeHead(200, { 'content-type': exporter.contentType, 'content-length': length });
        if (headOnly) response.end();
        // As fast as they are taken, and not all at once. Who hangs up early has had enough.
        else pipeline(Readable.from(pieces), response, () => {});
      },
      (error: unknown) => failed(error instanceof Error ? error.message : String(error)),
    );
  }

  #answersTo(host: string | undefined): boolean {
    if (this.#names.size === 0 && !isLoopback(splitListen(this.address).host)) return true;
    return isKnown(hostOf(host), this.#names);
  }

  /** Has other metrics from now on. */
  show(pages: MetricsPages, names: readonly string[]): void {
    this.#pages = pages;
    this.#names = lowerCase(names);
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
