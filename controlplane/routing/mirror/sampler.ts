/**
 * Trust, and check: compares answers of the tables with the kernel's own, all the time.
 *
 * Every prefix that changed is asked for, and random addresses besides. The kernel names the entry it would use
 * (RTM_GETROUTE with RTM_F_FIB_MATCH); it must be a plain one, and the tables must name the same prefix length, interface
 * and gateway, or "ask". Where routes name source prefixes, it is asked once more as if by a packet from one of them. A
 * difference may be a change whose message is on its way: the address is looked at again after a while, and only what
 * differs three times with the same two answers is a difference.
 */
import { NetlinkError, type Route, RouteNetlink } from '../../netlink/index.ts';

export interface SamplerCounters {
  /** Comparisons with the kernel. */
  readonly compared: number;
  /** Answers of the tables that were "ask": nothing to compare. */
  readonly asked: number;
  /** Differed at first and agreed later. */
  readonly races: number;
  /** Differed for good. */
  readonly differences: number;
  /** Changed prefixes there was no time for. */
  readonly skipped: number;
  /** Questions that the kernel refused. */
  readonly unanswered: number;
}

/** What the tables say of an address; undefined: ask. */
export interface TableAnswer {
  readonly length: number;
  readonly ifindex: number;
  readonly gateway: Uint8Array;
}

export interface SamplerOptions {
  readonly answer: (address: Uint8Array) => TableAnswer | undefined;
  /** A random address that some route covers; undefined when there is none. */
  readonly random: () => Uint8Array | undefined;
  /** An address that routes from a source prefix are for; undefined when there are none. */
  readonly source: (family: 4 | 6) => Uint8Array | undefined;
  readonly onDifference: (text: string) => void;
}

const QUEUE_MAX = 1 << 17;
const AGAIN_MS = 40;
const TIMES = 3;

interface Doubt {
  readonly address: Uint8Array;
  readonly text: string;
  readonly times: number;
  readonly due: number;
}

export class Sampler implements Disposable {
  readonly #options: SamplerOptions;
  readonly #netlink = RouteNetlink.open();
  readonly #counters = { compared: 0, asked: 0, races: 0, differences: 0, skipped: 0, unanswered: 0 };
  /** Changed prefixes: addresses of 4 words, IPv4 in the first; a ring. */
  readonly #queue = new Uint32Array(QUEUE_MAX * 4);
  readonly #families = new Uint8Array(QUEUE_MAX);
  #head = 0;
  #count = 0;
  #doubts: Doubt[] = [];

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  get counters(): SamplerCounters {
    return { ...this.#counters };
  }

  /** Changed prefixes that wait to be compared. */
  get waiting(): number {
    return this.#count + this.#doubts.length;
  }

  /** A prefix changed: its first address is compared when there is time. */
  changed(address: Uint32Array, family: 4 | 6): void {
    if (this.#count === QUEUE_MAX) {
      this.#counters.skipped++;
      return;
    }
    const at = (this.#head + this.#count++) % QUEUE_MAX;
    for (let i = 0; i < 4; i++) this.#queue[at * 4 + i] = address[i] ?? 0;
    this.#families[at] = family;
  }

  /** Nothing that is waiting is worth looking at any more. */
  clear(): void {
    this.#count = 0;
    this.#doubts = [];
  }

  /** Compares what is due, at most for `budgetMs`, and then `randoms` random addresses. */
  run(budgetMs: number, randoms: number): void {
    const end = performance.now() + budgetMs;
    // They are in the order of time.
    while (this.#doubts.length > 0 && this.#doubts[0]!.due <= performance.now() && performance.now() < end) {
      const doubt = this.#doubts.shift()!;
      this.#compare(doubt.address, doubt);
    }
    while (this.#count > 0 && performance.now() < end) {
      this.#compare(this.#take());
    }
    for (let i = 0; i < randoms && performance.now() < end; i++) {
      const address = this.#options.random();
      if (address) this.#compare(address);
    }
  }

  #take(): Uint8Array {
    const at = this.#head;
    this.#head = (at + 1) % QUEUE_MAX;
    this.#count--;
    const bytes = new Uint8Array(this.#families[at] === 4 ? 4 : 16);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < bytes.length / 4; i++) view.setUint32(i * 4, this.#queue[at * 4 + i]!);
    return bytes;
  }

  #compare(address: Uint8Array, doubt?: Doubt): void {
    if (isSpecial(address)) return;
    const ours = this.#options.answer(address);
    if (!ours) {
      this.#counters.asked++;
      if (doubt) this.#counters.races++;
      return;
    }
    this.#counters.compared++;
    const source = this.#options.source(address.length === 4 ? 4 : 6);
    const text = this.#differs(address, ours) ?? (source && this.#differs(address, ours, source));
    if (text === undefined) {
      if (doubt) this.#counters.races++;
      return;
    }
    const times = doubt?.text === text ? doubt.times + 1 : 1;
    if (times < TIMES) {
      this.#doubts.push({ address, text, times, due: performance.now() + AGAIN_MS });
      return;
    }
    this.#counters.differences++;
    this.#options.onDifference(text);
  }

  /** @returns both answers in words when they are not the same. */
  #differs(address: Uint8Array, ours: TableAnswer, source?: Uint8Array): string | undefined {
    const mine = `/${ours.length} via ${hex(ours.gateway)} on interface ${ours.ifindex}`;
    const from = source ? ` from ${hex(source)}` : '';
    const say = (theirs: string): string => `${hex(address)}${from}: the tables say ${mine}, the kernel ${theirs}`;
    let route: Route;
    let ways: readonly Way[];
    try {
      const answer = this.#netlink.getRoute(address, { fibMatch: true, ...(source ? { from: source } : {}) });
      if (!answer.found) return say(answer.code);
      route = answer.route;
      ways = this.#waysOf(route);
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      this.#counters.unanswered++; // it will not tell of this address
      return undefined;
    }
    const plain = isPlain(route) && ways.every(({ encapType }) => encapType === undefined);
    const theirs = `type ${route.type} /${route.prefixLength} ${ways.map(({ ifindex, gateway }) => `via ${gateway ? hex(gateway) : 'link'} on interface ${ifindex}`).join(', ')}${plain ? '' : ', not plain'}`;
    const [leg, ...others] = ways;
    const same =
      route.type === 1 &&
      plain &&
      route.prefixLength === ours.length &&
      others.length === 0 &&
      leg?.ifindex === ours.ifindex &&
      leg.gateway !== undefined &&
      Buffer.compare(leg.gateway, ours.gateway) === 0;
    return same ? undefined : say(theirs);
  }

  /** Without `nexthop_compat_mode` the kernel names the nexthop object only. */
  #waysOf(route: Route): readonly Way[] {
    if (route.hops.length > 0) return route.hops;
    if (route.nexthopId === 0 || route.ifindex !== 0) return [{ ...route, encapType: undefined }];
    const object = this.#netlink.nexthop(route.nexthopId);
    const members = object.group?.map(({ id }) => this.#netlink.nexthop(id)) ?? [object];
    return members.map(({ ifindex, gateway, encapType }) => ({ ifindex: ifindex ?? 0, gateway, encapType }));
  }

  close(): void {
    this.#netlink.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** One way out of the kernel's answer. */
interface Way {
  readonly ifindex: number;
  readonly gateway: Uint8Array | undefined;
  readonly encapType: number | undefined;
}

/** Is all that the kernel says of a route what the tables can say, too? */
function isPlain(route: Route): boolean {
  return (
    route.sourceLength === 0 &&
    route.tos === 0 &&
    route.encapType === 0 &&
    route.mtu === 0 &&
    route.mark === 0 &&
    route.expires === 0
  );
}

/** Addresses nobody forwards to: no packet asks the tables for them, and the kernel answers by other rules. */
function isSpecial(address: Uint8Array): boolean {
  const first = address[0]!;
  if (address.length === 4) return first === 0 || first === 127 || first >= 224;
  return (
    first === 0xff || (first === 0xfe && (address[1]! & 0xc0) === 0x80) || address.subarray(0, 8).every((b) => b === 0)
  );
}

function hex(bytes: Uint8Array): string {
  return bytes.length === 4
    ? bytes.join('.')
    : Buffer.from(bytes)
        .toString('hex')
        .replace(/(.{4})(?!$)/g, '$1:');
}
