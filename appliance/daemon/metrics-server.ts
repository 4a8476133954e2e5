/** `/metrics` over HTTP, for Prometheus. */
import { createServer, type Server } from 'node:http';
import type { Exporter } from '../../monitoring/index.ts';
import { splitListen } from './listen-address.ts';

export class MetricsServer {
  readonly address: string;
  readonly #server: Server;

  constructor(exporter: Exporter, address: string) {
    this.address = address;
    this.#server = createServer((request, response) => {
      if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
        response.writeHead(404, { 'content-type': 'text/plain' });
        response.end('The metrics are at /metrics.\n');
        return;
      }
      exporter.scrape().then(
        (pieces) => {
          const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
          response.writeHead(200, { 'content-type': exporter.contentType, 'content-length': length });
          for (const piece of pieces) response.write(piece);
          response.end();
        },
        (error: unknown) => {
          response.writeHead(500, { 'content-type': 'text/plain' });
          response.end(`${error instanceof Error ? error.message : error}\n`);
        },
      );
    });
  }

  async listen(): Promise<void> {
    const { host, port } = splitListen(this.address);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
