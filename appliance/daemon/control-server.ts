/** The control socket: HTTP with JSON over a unix socket that only root and its group may use. */
import { chmodSync, existsSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect } from 'node:net';
import { listen } from '../http-listen.ts';
import { toJson } from '../json.ts';
import { type Route, RouteError } from './part.ts';

/** By method and path. */
export type Routes = Readonly<Record<string, Route>>;

const BODY_LIMIT_BYTES = 1 << 20;

export class ControlServer {
  readonly #path: string;
  readonly #server: Server;
  readonly #onError: ((error: Error) => void) | undefined;

  /** @param onError hears of errors while it listens */
  constructor(path: string, routes: Routes, onError?: (error: Error) => void) {
    this.#path = path;
    this.#onError = onError;
    this.#server = createServer((request, response) => {
      answer(request, routes).then(
        ({ status, text }) => {
          response.writeHead(status, { 'content-type': 'application/json' });
          response.end(text);
        },
        () => response.destroy(),
      );
    });
  }

  async listen(): Promise<void> {
    if (existsSync(this.#path)) unlinkSync(this.#path);
    await listen(this.#server, { path: this.#path }, this.#onError);
    chmodSync(this.#path, 0o660);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** Does a daemon answer on the socket? A file nobody listens on is a dead daemon's. */
export function isTaken(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

/** Whatever is asked, and whatever goes wrong with it, becomes an answer. */
async function answer(request: IncomingMessage, routes: Routes): Promise<{ status: number; text: string }> {
  try {
    const url = urlOf(request);
    const name = `${request.method} ${url.pathname}`;
    const route = Object.hasOwn(routes, name) ? routes[name] : undefined;
    if (!route) throw new RouteError(404, 'no such resource');
    const body = await route({ query: url.searchParams, body: await jsonBody(request) });
    return { status: 200, text: toJson(body ?? null) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { status: error instanceof RouteError ? error.status : 500, text: toJson({ error: message }) };
  }
}

/** @throws RouteError: not every request's target is a path. */
function urlOf(request: IncomingMessage): URL {
  const target = request.url ?? '/';
  if (!URL.canParse(target, 'http://localhost'))
    throw new RouteError(400, `${target} is no path: ask for one, as /status`);
  return new URL(target, 'http://localhost');
}

async function jsonBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > BODY_LIMIT_BYTES) throw new RouteError(413, `the body is longer than ${BODY_LIMIT_BYTES} bytes`);
    parts.push(part);
  }
  if (length === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new RouteError(400, 'the body is not JSON');
  }
}
