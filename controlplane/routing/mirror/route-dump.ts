/**
 * One pass over a table of routes, given way a few milliseconds at a time, together with what changes meanwhile.
 *
 * Changes come on another socket, and the kernel fills each part of a dump while the part before is taken. So what was
 * announced before a part was taken may be younger than that part, and is applied only after it: between two parts,
 * `onPart` applies what was taken before the part, and `onApplied` takes what has come since. Whoever does so ends up with
 * exactly what the kernel has. A dump that may have skipped routes is run again by the caller: routes that both have seen are
 * the same route. IPv6 calls such a dump interrupted; for IPv4, see dump-seams.ts.
 */

import * as c from '../../netlink/constants.ts';
import { encodeMessage, readDone, readError, walkMessages } from '../../netlink/message.ts';
import { NetlinkError } from '../../netlink/netlink-error.ts';
import { encodeRouteDump } from '../../netlink/route-query.ts';
import { RouteView } from '../../netlink/route-view.ts';
import { NetlinkSocket } from '../../netlink/socket.ts';

const ENOENT = 2;

export interface RouteDumpOptions {
  readonly family: 4 | 6;
  readonly table: number;
  /** Valid during the call. */
  readonly visit: (view: RouteView) => void;
  /**
   * After each part: applies the announcements taken before it. `first` and `last`: first words of the addresses of the
   * part's first and last routes; undefined when it has none.
   */
  readonly onPart: (first: number | undefined, last: number | undefined) => Promise<void> | undefined;
  /** Then: takes those that have come. */
  readonly onApplied: () => void;
  /** Shall it end early? */
  readonly cancelled: () => boolean;
  /** Gives way to the event loop when its time is up. */
  readonly breathe: () => Promise<void> | undefined;
}

/** @returns whether the kernel calls the dump consistent; undefined when it was cancelled. */
export async function dumpRoutes(options: RouteDumpOptions): Promise<boolean | undefined> {
  const action = `list IPv${options.family} routes of table ${options.table}`;
  using socket = NetlinkSocket.open({ receiveBufferBytes: 1 << 20 });
  const body = encodeRouteDump(options.family, { table: options.table }).finish();
  socket.send(encodeMessage(c.RTM_GETROUTE, c.NLM_F_REQUEST | c.NLM_F_DUMP, 1, body));
  const route = new RouteView();
  let consistent = true;
  for (;;) {
    const length = socket.receive();
    if (length <= 0) throw new NetlinkError(action, length || 11 /* EAGAIN */);
    let done = false;
    let first: number | undefined;
    let last: number | undefined;
    const view = socket.view;
    walkMessages(view, length, (type, flags, _sequence, start, end) => {
      if (flags & c.NLM_F_DUMP_INTR) consistent = false;
      if (type === c.RTM_NEWROUTE) {
        if (!route.read(view, start, end)) return true;
        first ??= route.word0;
        last = route.word0;
        options.visit(route);
        return true;
      }
      done = true;
      const outcome = type === c.NLMSG_ERROR ? readError(view, flags, start, end) : readDone(view, flags, start, end);
      // A table nobody has made has no routes.
      if (outcome.errno !== 0 && outcome.errno !== ENOENT) throw new NetlinkError(action, outcome.errno, outcome.hint);
      return false;
    });
    const applied = options.onPart(first, last);
    if (applied) await applied;
    options.onApplied();
    if (options.cancelled()) return undefined;
    if (done) return consistent;
    const turn = options.breathe();
    if (turn) await turn;
  }
}

/** How many routes a table has, up to `limit`, without reading them. */
export function countRoutes(family: 4 | 6, table: number, limit: number): number {
  using socket = NetlinkSocket.open({ receiveBufferBytes: 1 << 18 });
  const body = encodeRouteDump(family, { table }).finish();
  socket.send(encodeMessage(c.RTM_GETROUTE, c.NLM_F_REQUEST | c.NLM_F_DUMP, 1, body));
  let count = 0;
  for (let done = false; !done && count < limit; ) {
    const length = socket.receive();
    if (length <= 0) break;
    walkMessages(socket.view, length, (type) => {
      if (type === c.RTM_NEWROUTE) count++;
      else done = true;
      return !done;
    });
  }
  return Math.min(count, limit);
}
