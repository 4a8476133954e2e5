/**
 * Follows changes of routing state: rtnetlink notifications as typed events, in the order the kernel made them.
 *
 * Not everything is announced: IPv4 routes vanish without RTM_DELROUTE when their link goes down or their next-hop
 * object is deleted, so whoever mirrors routes must treat link, address and next-hop events as causes too.
 */
import { type Address, readAddress } from './address.ts';
import { littleEndian } from './attributes.ts';
import * as c from './constants.ts';
import { type Link, readLink } from './link.ts';
import { MulticastSocket } from './multicast-socket.ts';
import { type Neighbor, readNeighbor } from './neighbor.ts';
import { type Netconf, readNetconf } from './netconf.ts';
import { type Nexthop, readNexthop } from './nexthop.ts';
import { RouteView } from './route-view.ts';
import { type Rule, readRule } from './rule.ts';

export type NetlinkAction = 'new' | 'delete';
export type NetlinkEvent =
  | { readonly kind: 'link'; readonly action: NetlinkAction; readonly link: Link }
  | { readonly kind: 'address'; readonly action: NetlinkAction; readonly address: Address }
  | { readonly kind: 'neighbor'; readonly action: NetlinkAction; readonly neighbor: Neighbor }
  | {
      readonly kind: 'route';
      readonly action: NetlinkAction;
      /** Valid during the call; toRoute() makes a copy. */
      readonly route: RouteView;
      /** It took the place of the first route of the same prefix, table, tos and priority. */
      readonly replaced: boolean;
    }
  | { readonly kind: 'nexthop'; readonly action: NetlinkAction; readonly nexthop: Nexthop }
  | { readonly kind: 'rule'; readonly action: NetlinkAction; readonly rule: Rule }
  | { readonly kind: 'netconf'; readonly action: NetlinkAction; readonly netconf: Netconf };

export type MonitorGroup = keyof typeof c.multicastGroups;

export interface RouteMonitorOptions {
  readonly groups: readonly MonitorGroup[];
  readonly onEvent: (event: NetlinkEvent) => void;
  /** Events were lost. All earlier ones have been delivered: read the state again, then go on with events. */
  readonly onOverrun: () => void;
  /** All that had come has been delivered; nothing by default. */
  readonly onIdle?: () => void;
  /** With groups of routes only: routes of this table (below 256) and no others, sorted out by the kernel. */
  readonly routeTable?: number;
  /** Path of a network namespace; the caller's by default. */
  readonly netns?: string;
  /** The kernel's queue in bytes; 8 MiB by default. */
  readonly receiveBufferBytes?: number;
  /** Datagrams handled in one turn of the event loop; 256 by default. */
  readonly budget?: number;
}

/** Lets pass what has `table` in its struct rtmsg, 20 bytes into the message. */
function tableFilter(table: number): Uint8Array {
  const program = new Uint8Array(32);
  const view = new DataView(program.buffer);
  const set = (at: number, code: number, ifFalse: number, value: number): void => {
    view.setUint16(at, code, littleEndian);
    view.setUint8(at + 3, ifFalse);
    view.setUint32(at + 4, value, littleEndian);
  };
  set(0, 0x30 /* ldb [20] */, 0, 20);
  set(8, 0x15 /* jeq */, 1, table);
  set(16, 0x06 /* ret */, 0, 0xffff_ffff);
  set(24, 0x06 /* ret */, 0, 0);
  return program;
}

export interface MonitorCounters {
  readonly events: Readonly<Record<NetlinkEvent['kind'], number>>;
  readonly datagrams: number;
  readonly overruns: number;
}

export class RouteMonitor implements Disposable {
  readonly #events = { link: 0, address: 0, neighbor: 0, route: 0, nexthop: 0, rule: 0, netconf: 0 };
  readonly #view = new RouteView();
  readonly #onEvent: (event: NetlinkEvent) => void;
  readonly #socket: MulticastSocket;

  private constructor(options: RouteMonitorOptions) {
    this.#onEvent = options.onEvent;
    const { groups, onEvent: _, routeTable, ...rest } = options;
    this.#socket = MulticastSocket.open({
      ...rest,
      ...(routeTable === undefined ? {} : { filter: tableFilter(routeTable) }),
      groups: groups.map((group) => c.multicastGroups[group]),
      onMessage: (view, type, flags, _sequence, start, end) => {
        const event = this.#read(view, type, flags, start, end);
        if (!event) return;
        this.#events[event.kind]++;
        this.#onEvent(event);
      },
    });
  }

  static open(options: RouteMonitorOptions): RouteMonitor {
    return new RouteMonitor(options);
  }

  get counters(): MonitorCounters {
    return { events: { ...this.#events }, ...this.#socket.counters };
  }

  /** Delivers what has come up to now. */
  drain(): void {
    this.#socket.drain();
  }

  #read(view: DataView, type: number, flags: number, start: number, end: number): NetlinkEvent | undefined {
    switch (type) {
      case c.RTM_NEWLINK:
      case c.RTM_DELLINK: {
        const link = readLink(view, start, end);
        return link && { kind: 'link', action: type === c.RTM_NEWLINK ? 'new' : 'delete', link };
      }
      case c.RTM_NEWADDR:
      case c.RTM_DELADDR: {
        const address = readAddress(view, start, end);
        return address && { kind: 'address', action: type === c.RTM_NEWADDR ? 'new' : 'delete', address };
      }
      case c.RTM_NEWNEIGH:
      case c.RTM_DELNEIGH: {
        const neighbor = readNeighbor(view, start, end);
        return neighbor && { kind: 'neighbor', action: type === c.RTM_NEWNEIGH ? 'new' : 'delete', neighbor };
      }
      case c.RTM_NEWROUTE:
      case c.RTM_DELROUTE: {
        if (!this.#view.read(view, start, end)) return undefined;
        const action = type === c.RTM_NEWROUTE ? 'new' : 'delete';
        const replaced = action === 'new' && (flags & c.NLM_F_REPLACE) !== 0;
        return { kind: 'route', action, route: this.#view, replaced };
      }
      case c.RTM_NEWNEXTHOP:
      case c.RTM_DELNEXTHOP: {
        const nexthop = readNexthop(view, start, end);
        return nexthop && { kind: 'nexthop', action: type === c.RTM_NEWNEXTHOP ? 'new' : 'delete', nexthop };
      }
      case c.RTM_NEWRULE:
      case c.RTM_DELRULE: {
        const rule = readRule(view, start, end);
        return rule && { kind: 'rule', action: type === c.RTM_NEWRULE ? 'new' : 'delete', rule };
      }
      case c.RTM_NEWNETCONF:
      case c.RTM_DELNETCONF: {
        const netconf = readNetconf(view, start, end);
        return netconf && { kind: 'netconf', action: type === c.RTM_NEWNETCONF ? 'new' : 'delete', netconf };
      }
      default:
        return undefined;
    }
  }

  /** Lets the process end although this is open. */
  unref(): void {
    this.#socket.unref();
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
