/** The control socket: HTTP with JSON over a unix socket that only root and its group may use. */
import { chmodSync, existsSync, unlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import type { CounterRow } from '../../controlplane/dataplane/index.ts';
import type { DaemonStatus } from './status.ts';

export interface ControlSources {
  readonly status: () => DaemonStatus;
  readonly counters: () => readonly CounterRow[];
}

export class ControlServer {
  readonly #path: string;
  readonly #server: Server;

  constructor(path: string, sources: ControlSources) {
    this.#path = path;
    this.#server = createServer((request, response) => {
      const answer = request.method === 'GET' ? route(request.url ?? '', sources) : undefined;
      response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(toJson(answer ?? { error: 'no such resource' }));
    });
  }

  /** Does a daemon answer on the socket? A file nobody listens on is a dead daemon's. */
  isTaken(): Promise<boolean> {
    return new Promise((resolve) => {
      const probe = connect(this.#path);
      probe.once('connect', () => {
        probe.destroy();
        resolve(true);
      });
      probe.once('error', () => resolve(false));
    });
  }

  async listen(): Promise<void> {
    if (existsSync(this.#path)) unlinkSync(this.#path);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#path, resolve);
    });
    chmodSync(this.#path, 0o660);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function route(url: string, sources: ControlSources): unknown {
  switch (url) {
    case '/status':
      return sources.status();
    case '/counters':
      return sources.counters();
    default:
      return undefined;
  }
}

/** JSON with 64-bit counters as numbers; beyond 2^53 as strings, which lose nothing. */
export function toJson(value: unknown, indent = 0): string {
  const plain = (_: string, item: unknown): unknown =>
    typeof item === 'bigint' ? (item <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(item) : String(item)) : item;
  return JSON.stringify(value, plain, indent);
}
