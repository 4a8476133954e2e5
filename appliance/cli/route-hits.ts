/**
 * `headrace routes --hits`: packets that take each route, counted while somebody asks and at no other time.
 *
 * The capture's filter counts every packet to a prefix, and shows some thousand of them a second, the first ones of each
 * quarter of a second on each CPU; the kernel says which route each of these takes. So the sum is a count, and what a
 * route has of it is a share of those looked at. Packets are counted as they come in, by where they are sent to: those that
 * the fast path sends on, those it leaves to the kernel to route, and those that a route itself has dropped. What goes to a
 * VIP is balanced and takes no route; what this host sends is not seen.
 */
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { maps } from '../../controlplane/bpf/generated/headrace.ts';
import { BpfMap, RingBuffer } from '../../controlplane/bpf/index.ts';
import type { InstancePaths } from '../../controlplane/dataplane/index.ts';
import { formatPrefix, NetlinkError, RouteNetlink } from '../../controlplane/netlink/index.ts';
import { destinationOf, readTapRecord } from '../../controlplane/tap/index.ts';
import type { CaptureRequest } from '../daemon/parts/capture-session.ts';
import { HitCount, type RouteHits } from './hit-count.ts';
import { askDaemon } from './instance.ts';
import { table } from './table.ts';

export interface Hits {
  /** What was asked for; undefined: everything. */
  readonly below: string | undefined;
  readonly seconds: number;
  /** All packets counted. */
  readonly packets: number;
  /** Of which the route was looked up. */
  readonly lookedAt: number;
  readonly routes: readonly RouteHits[];
}

/** Packets shown a second and CPU. */
const RATE = 4000;
/** Ethernet, two tags, and an IPv6 header. */
const SNAP = 64;
const READ_MS = 20;
const KEEP_MS = 1000;
const reasons = [
  ...['forwarded', 'forwarded_mirror', 'local', 'no_neighbor', 'no_neighbor_limited', 'frag_needed'],
  ...['blackhole', 'unreachable', 'prohibit', 'encapsulated_route', 'egress_unable', 'no_headroom'],
  ...['netfilter', 'ip_options', 'extension_header', 'unfinished_checksum'],
];

type Counts = Record<'captured' | 'missed' | 'limited', number>;

/** Counts for so many seconds. @param below a prefix; undefined: all packets. @throws Error when somebody captures. */
export async function countHits(paths: InstancePaths, below: string | undefined, seconds: number): Promise<Hits> {
  const request: CaptureRequest = { filter: filterOf(below), reasons, snap: SNAP, rate: RATE };
  const started = await askDaemon<{ token: string }>(paths, '/capture/start', { method: 'POST', body: request });
  if (!started) throw new Error('the daemon has ended');
  const { token } = started;
  const ask = async (what: 'keep' | 'stop'): Promise<number> => {
    const counts = await askDaemon<Counts | null>(paths, `/capture/${what}`, { method: 'POST', body: { token } });
    return counts ? Number(counts.captured) + Number(counts.missed) + Number(counts.limited) : 0;
  };
  const routes = new RouteFinder();
  const count = new HitCount();
  using map = BpfMap.openPinned(path.join(paths.maps, maps.tapCaptured.name), maps.tapCaptured);
  using ring = new RingBuffer(map as BpfMap<unknown, unknown>);
  let stopped = false;
  try {
    const before = await ask('keep');
    const began = performance.now();
    const end = began + seconds * 1000;
    for (let kept = began; performance.now() < end; ) {
      ring.drain((view) => {
        const { incoming, verdict } = readTapRecord(view);
        const destination = destinationOf(incoming);
        if (destination) count.add(routes.find(destination), verdict === 'redirect' || verdict === 'tx');
        return performance.now() < end;
      });
      if (performance.now() - kept > KEEP_MS) {
        await ask('keep');
        kept = performance.now();
      }
      await delay(READ_MS);
    }
    const after = await ask('stop');
    stopped = true;
    const seen = { packets: after - before, seconds: (performance.now() - began) / 1000 };
    return { below, ...seen, lookedAt: count.looked, routes: count.routes(seen) };
  } finally {
    if (!stopped) await ask('stop').catch(() => {});
    routes.close();
  }
}

/** A default route's prefix is the family's every packet. */
function filterOf(below: string | undefined): string {
  if (below === undefined) return '';
  if (below.endsWith('/0')) return below.includes(':') ? 'ip6' : 'ip';
  return `dst net ${below}`;
}

/** Asks the kernel once for each address. */
class RouteFinder {
  readonly #netlink = RouteNetlink.open();
  readonly #known = new Map<string, { readonly prefix: string; readonly table: number | null }>();

  find(address: Uint8Array): { readonly prefix: string; readonly table: number | null } {
    const key = address.join('.');
    const known = this.#known.get(key);
    if (known) return known;
    const found = this.#ask(address);
    this.#known.set(key, found);
    return found;
  }

  #ask(address: Uint8Array): { readonly prefix: string; readonly table: number | null } {
    try {
      const answer = this.#netlink.getRoute(address, { fibMatch: true });
      if (!answer.found) return { prefix: `no route (${answer.code})`, table: null };
      const { destination, prefixLength, table } = answer.route;
      return { prefix: formatPrefix(destination, prefixLength), table };
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      return { prefix: `no answer (${error.code})`, table: null };
    }
  }

  close(): void {
    this.#netlink.close();
  }
}

/** @param only the one route that is meant; undefined: all of them. */
export function renderHits(hits: Hits, only?: string, most = 20): string {
  const routes = only === undefined ? hits.routes : hits.routes.filter(({ prefix }) => prefix === only);
  const seconds = hits.seconds.toFixed(1);
  const how =
    hits.lookedAt >= hits.packets
      ? 'the route of every one was looked up'
      : `the routes of ${hits.lookedAt} were looked up`;
  const head = `hits in ${seconds} s${hits.below === undefined ? '' : ` below ${hits.below}`}: ${hits.packets} packets, ${how}`;
  if (routes.length === 0) return `${head}${only === undefined || hits.packets === 0 ? '' : `; none took ${only}`}`;
  const rows = routes
    .slice(0, most)
    .map(({ prefix, table: number, packetsPerSecond, plusMinus, fast }) => [
      prefix,
      number === null ? '-' : String(number),
      packetsPerSecond.toFixed(1),
      plusMinus === 0 ? 'exact' : `± ${plusMinus.toFixed(1)}`,
      `${Math.round(fast * 100)} %`,
    ]);
  const more = routes.length > most ? [`and ${routes.length - most} routes more`] : [];
  return [head, table(['route', 'table', 'packets/s', 'error', 'fast path'], rows), ...more].join('\n');
}
