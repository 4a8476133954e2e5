/**
 * Backends as packets meet them: a record for each, with its next hop.
 *
 * What a number stands for never changes. A next hop does, and it is several words, so a record first says that its next
 * hop is not to be used, for longer than any packet takes; only then it is written anew. Meanwhile packets ask the
 * kernel for theirs.
 */
import { type LbBackend, lbBackendFlag, lbBackendState } from '../bpf/generated/headrace.ts';
import { parseIp } from '../netlink/ip-address.ts';
import type { Grace } from '../routing/fib/grace.ts';
import { bytesOf, mapped, mappedAddress, networkPort, words } from './bytes.ts';
import type { BackendSpec, BalancerSettings } from './model.ts';
import type { NextHop } from './next-hops.ts';
import { outerSum } from './packet-path/index.ts';
import type { RecordTable } from './record-table.ts';

const STATE = 0;
const { ALIVE, RESOLVED } = lbBackendState;

export interface BackendRecord {
  readonly spec: BackendSpec;
  readonly settings: BalancerSettings;
  readonly hop: NextHop | undefined;
  readonly alive: boolean;
  /** Some service of its pool sends frames to its own MAC address. */
  readonly ownSegment: boolean;
}

export class BackendTable {
  readonly #records: RecordTable<LbBackend>;
  readonly #grace: Grace;
  /** Wanted, and since when packets no longer use what stands there. */
  readonly #pending = new Map<number, { readonly record: LbBackend; readonly mark: number }>();

  constructor(records: RecordTable<LbBackend>, grace: Grace) {
    this.#records = records;
    this.#grace = grace;
  }

  isAlive(number: number): boolean {
    return (this.#records.loadWord(number, STATE) & ALIVE) !== 0;
  }

  isResolved(number: number): boolean {
    return (this.#records.loadWord(number, STATE) & RESOLVED) !== 0;
  }

  /** From now on, or as soon as no packet can be reading what stands there, the record is this. */
  write(number: number, wanted: BackendRecord): void {
    const now = this.#records.read(number);
    const pending = this.#pending.get(number);
    const record = encode(wanted, pending?.record ?? now);
    this.#pending.delete(number);
    if (samePlace(now, record)) {
      this.#records.storeWord(number, STATE, record.state);
      return;
    }
    // What waited already waits on, for another record: packets may be reading what stands there still.
    if (pending || now.state & RESOLVED) {
      this.#records.storeWord(number, STATE, record.state & ~RESOLVED);
      this.#pending.set(number, { record, mark: pending?.mark ?? this.#grace.mark() });
      return;
    }
    this.#finish(number, record);
  }

  /** Gives up what it has, at once. */
  kill(number: number): void {
    const pending = this.#pending.get(number);
    if (pending)
      this.#pending.set(number, { ...pending, record: { ...pending.record, state: pending.record.state & ~ALIVE } });
    this.#records.storeWord(number, STATE, this.#records.loadWord(number, STATE) & ~ALIVE);
  }

  /** Finishes what has waited long enough. @returns how many still wait. */
  settle(): number {
    for (const [number, { record, mark }] of this.#pending) {
      if (!this.#grace.passed(mark)) continue;
      this.#pending.delete(number);
      this.#finish(number, record);
    }
    return this.#pending.size;
  }

  /** The state last: a packet that sees it sees all the rest. */
  #finish(number: number, record: LbBackend): void {
    this.#records.write(number, { ...record, state: record.state & ~RESOLVED });
    this.#records.storeWord(number, STATE, record.state);
  }
}

/**
 * @param before what stands there, or soon will. Its source holds while there is no other: packets that find a way by themselves, and
 * connections that begin, are not to come from nowhere because a route was gone for a moment.
 */
function encode({ spec, settings, hop, alive, ownSegment }: BackendRecord, before: LbBackend): LbBackend {
  const address = mappedAddress(spec.address);
  const ipv6 = parseIp(spec.address)?.family === 6;
  const configured = ipv6 ? settings.sourceV6 : settings.sourceV4;
  const known = configured ? mappedAddress(configured) : hop?.source && mapped(hop.source);
  const last = words(address).every((word, i) => word === before.address[i]) ? before.source : [0, 0, 0, 0];
  const source = known ?? bytesOf(last);
  // For a frame to its own MAC address the router's will not do. The packet path finds that out by itself when it asks.
  const resolved = hop?.mac !== undefined && !(ownSegment && hop.gateway) && source.some((byte) => byte !== 0);
  return {
    state: (alive ? ALIVE : 0) | (resolved ? RESOLVED : 0),
    flags: (ipv6 ? lbBackendFlag.IPV6 : 0) | (hop?.local ? lbBackendFlag.LOCAL : 0),
    mtu: Math.min(hop?.mtu ?? 0, 0xffff),
    ifindex: hop?.ifindex ?? 0,
    destination: hop?.mac ?? new Uint8Array(6),
    source_mac: hop?.sourceMac ?? new Uint8Array(6),
    outer_sum: outerSum(source, address),
    port: networkPort(spec.port),
    gue_port: networkPort(spec.guePort),
    address: words(address),
    source: words(source),
  };
}

/** All but the state. */
function samePlace(a: LbBackend, b: LbBackend): boolean {
  const bytes = (x: Uint8Array, y: Uint8Array): boolean => x.every((byte, i) => byte === y[i]);
  const numbers = (x: readonly number[], y: readonly number[]): boolean => x.every((word, i) => word === y[i]);
  return (
    a.flags === b.flags &&
    a.mtu === b.mtu &&
    a.ifindex === b.ifindex &&
    a.port === b.port &&
    a.gue_port === b.gue_port &&
    bytes(a.destination, b.destination) &&
    bytes(a.source_mac, b.source_mac) &&
    numbers(a.address, b.address) &&
    numbers(a.source, b.source)
  );
}
