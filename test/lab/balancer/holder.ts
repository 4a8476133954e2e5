/**
 * Clients that hold connections: opens them, has every one speak once a round, and says what became of them.
 *
 * Arguments: ADDRESS PORT COUNT ROUND_MS. Prints a line of JSON (type Round) after every round. A connection is broken when it is
 * closed, when another server answers than at first, or when nobody answers for a long time.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Round {
  readonly round: number;
  /** Connections that were established. */
  readonly opened: number;
  readonly broken: number;
  /** Why, and how often. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Connections that live, by the name of their server. */
  readonly servers: Readonly<Record<string, number>>;
}

const ANSWER_MS = 20_000;
const OPENING_AT_ONCE = 200;

class Held {
  server = '';
  broken = '';
  #socket: Socket;
  #answered: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (data) => {
      const [server = ''] = data.toString('latin1').split(' ');
      if (this.server === '') this.server = server;
      else if (this.server !== server) this.#end('another server');
      this.#answered?.();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message));
    socket.on('close', () => this.#end('closed'));
  }

  /** Speaks, and waits for the answer. */
  speak(): Promise<void> {
    if (this.broken) return Promise.resolve();
    return new Promise((resolve) => {
      const late = setTimeout(() => this.#end('no answer'), ANSWER_MS);
      this.#answered = () => {
        clearTimeout(late);
        this.#answered = undefined;
        resolve();
      };
      this.#socket.write('x');
    });
  }

  #end(reason: string): void {
    this.broken ||= reason;
    this.#socket.destroy();
    this.#answered?.();
  }
}

function open(address: string, port: number): Promise<Held | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: ANSWER_MS });
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeAllListeners('error');
      resolve(new Held(socket));
    });
    socket.once('error', () => resolve(undefined));
    socket.once('timeout', () => {
      socket.destroy();
      resolve(undefined);
    });
  });
}

function count(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

async function main([address = '', port = '', wanted = '', roundMs = '']: readonly string[]): Promise<void> {
  const held: Held[] = [];
  for (let left = Number(wanted); left > 0; left -= OPENING_AT_ONCE) {
    const some = Array.from({ length: Math.min(left, OPENING_AT_ONCE) }, () => open(address, Number(port)));
    held.push(...(await Promise.all(some)).filter((connection) => connection !== undefined));
  }
  for (let round = 1; ; round++) {
    await Promise.all(held.map((connection) => connection.speak()));
    const broken = held.filter((connection) => connection.broken);
    const said: Round = {
      round,
      opened: held.length,
      broken: broken.length,
      reasons: count(broken.map((connection) => connection.broken)),
      servers: count(held.filter((connection) => !connection.broken).map((connection) => connection.server)),
    };
    console.log(JSON.stringify(said));
    await sleep(Number(roundMs));
  }
}

await main(process.argv.slice(2));
