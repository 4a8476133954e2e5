/**
 * A client of BIRD's control socket (2.0 to 3.x).
 *
 * BIRD's read buffer is of 1024 bytes and a longer backlog resets the connection, so commands are sent one by one and
 * long ones are refused here. Names of protocols are sent as quoted patterns: an unknown bare name would be an error
 * of syntax, an unmatched pattern is an answer.
 */
import type { BgpSession } from '../bgp-session.ts';
import { DaemonError } from '../daemon-error.ts';
import { DaemonSocket } from '../daemon-socket.ts';
import { type BirdReply, frameReply } from './reply.ts';
import { type ProtocolStatus, readProtocolStatus, toBgpSessions } from './show-protocols.ts';
import { type BirdRoute, readRoutes } from './show-route.ts';

/** Which routes to ask for; each given field narrows the answer. */
export interface RouteQuery {
  readonly table?: string;
  /** Routes that came from a protocol. */
  readonly protocol?: string;
  /** Routes that are given to a protocol. */
  readonly exportedTo?: string;
  /** Exactly this prefix, or the best match of an address. */
  readonly for?: string;
}

const noProtocol = 8003;
const noRoute = 8001;

/** A connection to BIRD. Dispose of it when done. */
export class BirdClient implements Disposable {
  /** BIRD's version, as its greeting tells it. */
  readonly version: string;
  readonly #socket: DaemonSocket;

  private constructor(socket: DaemonSocket, version: string) {
    this.#socket = socket;
    this.version = version;
  }

  /** Connect to a control socket. @throws DaemonError */
  static async connect(path = '/run/bird/bird.ctl', timeoutMs?: number): Promise<BirdClient> {
    const socket = await DaemonSocket.connect(path, timeoutMs);
    try {
      const greeting = await socket.exchange(undefined, frameReply);
      const version = /BIRD (\S+) ready/.exec(greeting.lines[0]?.text ?? '')?.[1];
      if (version === undefined)
        throw new DaemonError('REPLY', `greet BIRD at ${path}: ${greeting.lines[0]?.text ?? 'nothing'}`);
      return new BirdClient(socket, version);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** Ask anything; refusals are answers here, too. @throws DaemonError when there is no answer */
  async ask(command: string): Promise<BirdReply> {
    if (/[\n\r\0]/.test(command)) throw new DaemonError('COMMAND', 'ask BIRD: a command is one line');
    const bytes = Buffer.from(`${command}\n`);
    if (bytes.length >= 1024) throw new DaemonError('COMMAND', 'ask BIRD: the command is longer than BIRD reads');
    return await this.#socket.exchange(bytes, frameReply);
  }

  /** Ask and take a refusal for an error, but for the codes given. @throws DaemonError COMMAND */
  async query(command: string, allowed: readonly number[] = []): Promise<BirdReply> {
    const reply = await this.ask(command);
    if (reply.code >= 8000 && !allowed.includes(reply.code)) {
      throw new DaemonError(
        'COMMAND',
        `ask BIRD "${command}": ${reply.lines.at(-1)?.text ?? 'refused'} (${reply.code})`,
      );
    }
    return reply;
  }

  /** Protocols by name pattern, all by default; none when nothing matches. @throws DaemonError */
  async protocols(pattern?: string): Promise<ProtocolStatus[]> {
    const command = pattern === undefined ? 'show protocols all' : `show protocols all ${quote(pattern)}`;
    return readProtocolStatus((await this.query(command, [noProtocol])).lines);
  }

  /** All BGP sessions. @throws DaemonError */
  async bgpSessions(): Promise<BgpSession[]> {
    return toBgpSessions(await this.protocols());
  }

  /** Routes; none when nothing matches. @throws DaemonError also for an unknown protocol or table */
  async routes(query: RouteQuery = {}): Promise<BirdRoute[]> {
    return readRoutes((await this.query(`show route${clauses(query)}`, [noRoute])).lines);
  }

  /** How many routes an answer would hold, without the answer itself. @throws DaemonError */
  async countRoutes(query: RouteQuery = {}): Promise<number> {
    const { lines } = await this.query(`show route${clauses(query)} count`, [noRoute]);
    let total = 0;
    for (const { text } of lines) {
      const match = /^(\d+) of \d+ routes/.exec(text);
      if (match) total += Number(match[1]);
    }
    return total;
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function clauses({ table, protocol, exportedTo, for: target }: RouteQuery): string {
  let text = '';
  if (target !== undefined) {
    if (!/^[0-9a-fA-F:.]+(\/\d+)?$/.test(target)) throw new DaemonError('COMMAND', `ask BIRD: ${target} is no prefix`);
    text += ` for ${target}`;
  }
  if (table !== undefined) text += ` table ${symbol(table)}`;
  if (protocol !== undefined) text += ` protocol ${symbol(protocol)}`;
  if (exportedTo !== undefined) text += ` export ${symbol(exportedTo)}`;
  return text;
}

/** A name as BIRD reads it: apostrophes let any of its characters pass, keywords included in new versions only. */
function symbol(name: string): string {
  if (!/^[\w.:-]+$/.test(name)) throw new DaemonError('COMMAND', `ask BIRD: ${name} is no name`);
  return /^[a-zA-Z_]\w*$/.test(name) ? name : `'${name}'`;
}

function quote(pattern: string): string {
  if (/["\n]/.test(pattern)) throw new DaemonError('COMMAND', `ask BIRD: ${pattern} is no pattern`);
  return `"${pattern}"`;
}
