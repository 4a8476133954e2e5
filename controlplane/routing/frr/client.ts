/**
 * A client of FRR's daemons over their vty sockets (8.4 to 10).
 *
 * A command ends with a NUL; the answer is text, three NULs and a byte of status, 0 for success. A daemon loses what
 * is sent before it has answered, so commands go one by one. The status decides whether there is JSON to read: what a
 * daemon does not know it tells as text.
 */
import { type BgpFamily, type BgpSession, bgpState } from '../bgp-session.ts';
import { DaemonError } from '../daemon-error.ts';
import { DaemonSocket } from '../daemon-socket.ts';

/** A daemon's answer. */
export interface VtyReply {
  readonly text: string;
  /** 0 success, 1 warning, 2 nothing matched or unknown command. */
  readonly status: number;
}

/** Cut an answer from the front of what the socket gave. */
export function frameVtyReply(bytes: Buffer): { reply: VtyReply; rest: Buffer } | undefined {
  // Text holds no NUL, so the first one begins the mark; it may be cut anywhere.
  const end = bytes.indexOf(0);
  if (end < 0 || bytes.length < end + 4) return undefined;
  return { reply: { text: bytes.toString('utf8', 0, end), status: bytes[end + 3]! }, rest: bytes.subarray(end + 4) };
}

/** A connection to one daemon of FRR. Dispose of it when done. */
export class FrrClient implements Disposable {
  readonly #socket: DaemonSocket;

  private constructor(socket: DaemonSocket) {
    this.#socket = socket;
  }

  /** Connect to a daemon's vty. @throws DaemonError */
  static async connect(path = '/run/frr/bgpd.vty', timeoutMs?: number): Promise<FrrClient> {
    return new FrrClient(await DaemonSocket.connect(path, timeoutMs));
  }

  /** Ask anything; a status other than 0 is an answer here, too. @throws DaemonError when there is no answer */
  async ask(command: string): Promise<VtyReply> {
    if (/[\n\0]/.test(command)) throw new DaemonError('COMMAND', 'ask FRR: a command is one line');
    return await this.#socket.exchange(Buffer.from(`${command}\0`), frameVtyReply);
  }

  /** Ask for JSON. @throws DaemonError COMMAND when the daemon refuses, REPLY when it answers otherwise */
  async json(command: string): Promise<unknown> {
    const { text, status } = await this.ask(command);
    if (status !== 0) throw new DaemonError('COMMAND', `ask FRR "${command}": ${text.trim() || `status ${status}`}`);
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new DaemonError('REPLY', `ask FRR "${command}": ${text.trim().slice(0, 80)}`, { cause: error });
    }
  }

  /** All BGP sessions of all VRFs; none when BGP is not configured. @throws DaemonError */
  async bgpSessions(): Promise<BgpSession[]> {
    return readBgpSummary(await this.json('show bgp vrf all summary json'));
  }

  /** The prefixes given to a neighbor. @throws DaemonError */
  async advertisedRoutes(neighbor: string, family: 'ipv4' | 'ipv6' = 'ipv4'): Promise<string[]> {
    const answer = object(await this.json(`show bgp ${family} unicast neighbors ${neighbor} advertised-routes json`));
    return Object.keys(object(answer.advertisedRoutes)).sort();
  }

  /** The neighbors a prefix is given to; undefined when BGP does not have the prefix. @throws DaemonError */
  async advertisedTo(prefix: string): Promise<string[] | undefined> {
    if (!/^[0-9a-fA-F:.]+\/\d+$/.test(prefix)) throw new DaemonError('COMMAND', `ask FRR: ${prefix} is no prefix`);
    const family = prefix.includes(':') ? 'ipv6' : 'ipv4';
    const answer = object(await this.json(`show bgp ${family} unicast ${prefix} json`));
    // Without the prefix itself FRR would answer with the one that covers it.
    if (answer.prefix !== prefix) return undefined;
    return Object.keys(object(answer.advertisedTo)).sort();
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

const familyNames: Readonly<Record<string, string>> = {
  ipv4Unicast: 'ipv4',
  ipv6Unicast: 'ipv6',
  ipv4Multicast: 'ipv4 multicast',
  ipv6Multicast: 'ipv6 multicast',
  ipv4Vpn: 'vpn4',
  ipv6Vpn: 'vpn6',
  ipv4Flowspec: 'flow4',
  ipv6Flowspec: 'flow6',
  l2VpnEvpn: 'evpn',
};

/**
 * Sessions from `show bgp [vrf all] summary json`: VRFs, families, peers; a neighbor in several families is one session.
 * Versions differ in which levels are there, so levels are told by what they hold.
 */
export function readBgpSummary(answer: unknown): BgpSession[] {
  const sessions = new Map<string, Omit<BgpSession, 'families'> & { families: BgpFamily[] }>();
  const visit = (value: Record<string, unknown>, vrf: string | undefined, family: string | undefined): void => {
    if (isObject(value.peers)) {
      const vrfName = text(value.vrfName) ?? vrf;
      for (const [neighbor, peer] of Object.entries(value.peers)) {
        if (isObject(peer))
          addPeer(neighbor, peer, vrfName === 'default' ? undefined : vrfName, family ?? 'ipv4', value);
      }
      return;
    }
    for (const [key, inner] of Object.entries(value)) {
      if (!isObject(inner)) continue;
      const known = familyNames[key];
      visit(inner, known === undefined ? key : vrf, known ?? family);
    }
  };
  const addPeer = (
    neighbor: string,
    peer: Record<string, unknown>,
    vrf: string | undefined,
    family: string,
    summary: Record<string, unknown>,
  ): void => {
    const key = `${vrf ?? ''} ${neighbor}`;
    const session = sessions.get(key) ?? {
      daemon: 'frr' as const,
      name: neighbor,
      vrf,
      neighbor,
      neighborAs: count(peer.remoteAs),
      localAs: count(peer.localAs) ?? count(summary.as),
      state: /admin|clearing|deleted/i.test(text(peer.state) ?? '')
        ? ('down' as const)
        : bgpState(text(peer.state) ?? ''),
      since: isoTime(peer.peerUptimeEstablishedEpoch),
      description: text(peer.desc),
      lastError: undefined,
      messages: messagesOf(peer),
      families: [],
    };
    session.families.push({
      family,
      imported: count(peer.pfxRcd),
      filtered: undefined,
      exported: count(peer.pfxSnt),
    });
    sessions.set(key, session);
  };
  if (isObject(answer)) visit(answer, undefined, undefined);
  return [...sessions.values()];
}

function messagesOf(peer: Record<string, unknown>): BgpSession['messages'] {
  const [received, sent] = [count(peer.msgRcvd), count(peer.msgSent)];
  return received === undefined || sent === undefined ? undefined : { received, sent };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function object(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function isoTime(epochSeconds: unknown): string | undefined {
  return typeof epochSeconds === 'number' && epochSeconds > 0 ? new Date(epochSeconds * 1000).toISOString() : undefined;
}
