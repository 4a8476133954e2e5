/**
 * A balancer on the bench: the test router with the balance stage on, and services, rings and backends written straight
 * into its maps, as the control plane would.
 */

import {
  flowHash,
  outerSum,
  ServiceIndex,
  slotOf,
  tablesOf,
} from '../../../controlplane/balancer/packet-path/index.ts';
import { RecordTable } from '../../../controlplane/balancer/record-table.ts';
import { backendTraffic, serviceTraffic } from '../../../controlplane/balancer/traffic.ts';
import {
  type LbBackend,
  type LbFlow,
  type LbFlowKey,
  type LbRing,
  type LbService,
  lbBackendCodec,
  lbBackendFlag,
  lbBackendState,
  type lbEvent,
  lbEventNames,
  lbMode,
  lbRingCodec,
  lbServiceCodec,
  lbServiceFlag,
  lbSlotLayout,
} from '../../../controlplane/bpf/generated/headrace.ts';
import type { BpfMap, MappedMap } from '../../../controlplane/bpf/index.ts';
import type { Features } from '../../../controlplane/dataplane/index.ts';
import { address, mac } from '../packets/bytes.ts';
import { hosts, type PortName } from '../packets/packet.ts';
import { TestRouter } from '../router.ts';

export const TCP = 6;
export const UDP = 17;
export type EventName = Lowercase<keyof typeof lbEvent>;

/** 16 bytes; IPv4 as IPv4-mapped. */
export function mapped(text: string): Uint8Array {
  const bytes = address(text);
  return Uint8Array.from(bytes.length === 16 ? bytes : [...Array<number>(10).fill(0), 0xff, 0xff, ...bytes]);
}

const wordsOf = (text: string): number[] => {
  const view = new DataView(mapped(text).buffer);
  return [0, 4, 8, 12].map((at) => view.getUint32(at, true));
};

/** A port as it lies in a record: network byte order, read as a number of this host. */
export const be16 = (port: number): number => ((port & 0xff) << 8) | (port >> 8);

export interface ServiceSpec extends Partial<Omit<LbService, 'address' | 'port'>> {
  readonly number: number;
  readonly address: string;
  /** Host byte order. 0 with protocol 0: the VIP's record. */
  readonly port: number;
  readonly protocol: number;
}

export interface BackendSpec extends Partial<Omit<LbBackend, 'address' | 'source' | 'gue_port' | 'port'>> {
  readonly number: number;
  readonly address: string;
  /** Outer source; default the box's own address on the backend's port. */
  readonly source?: string;
  /** Where it is: gives ifindex and MAC addresses. Default out0. */
  readonly behind?: PortName;
  readonly guePort?: number;
  readonly natPort?: number;
}

/** What a slot says: current, and previous (settling) or pinned. */
export const steady = (current: number): number => current;
export const settling = (current: number, previous: number): number => current | (previous << 16);
export const pinned = (current: number): number => (current | (lbSlotLayout.PINNED << 16)) >>> 0;

const empty: Omit<LbService, 'address' | 'port' | 'protocol'> = {
  prefix: 0,
  flags: 0,
  ring: 0,
  seed: 0,
  mode: lbMode.L2,
  udp: 0,
  fragments: 0,
  no_backend: 0,
  no_service: 0,
  entropy_bits: 0,
  mss: 0,
  idle: 0,
  quic_id_offset: 0,
  quic_id_length: 0,
  quic_cid_length: 0,
  reserved1: 0,
  fragment_tcp: 0,
  fragment_udp: 0,
  reserved: [0, 0],
};

export class BalancerBox extends TestRouter {
  readonly #mapped: MappedMap[] = [];
  readonly #index: ServiceIndex;
  readonly #slots: DataView;
  readonly #serviceRecords: RecordTable<LbService>;
  readonly #backendRecords: RecordTable<LbBackend>;
  readonly #ringRecords: RecordTable<LbRing>;
  readonly #services = new Map<number, ServiceSpec>();

  constructor(features: Features = {}, sizes: Readonly<Record<string, number>> = {}) {
    super({ ...features, feature_balance: true }, sizes);
    const view = (map: BpfMap<number, unknown>): DataView => {
      const mapped = map.mmap();
      this.#mapped.push(mapped);
      return mapped.view;
    };
    const tables = tablesOf(view(this.maps.lbTables!));
    this.#index = new ServiceIndex(tables.index, tables.filter);
    this.#slots = tables.slots;
    this.#serviceRecords = new RecordTable(tables.services, lbServiceCodec);
    this.#backendRecords = new RecordTable(tables.backends, lbBackendCodec);
    this.#ringRecords = new RecordTable(tables.rings, lbRingCodec);
    this.setBudgets({});
  }

  /** Packets that may be remembered and answered a second. Default: plenty. */
  setBudgets({ syn = 1000, other = 1000, answer = 1000, prefixes = 0 }): void {
    this.maps.lbSettings!.set(0, {
      prefixes,
      syn_budget: syn,
      other_budget: other,
      answer_budget: answer,
      tracked_idle: 0,
      reserved: 0,
    });
    for (const zero of [0]) this.maps.lbBudgets!.set(zero, { second: 0n, syns: 0, others: 0, answers: 0, sizes: 0 });
  }

  /** Writes a service; a second call with the same number changes its record. */
  service(spec: ServiceSpec): void {
    const { number, address: text, port, ...rest } = spec;
    this.#serviceRecords.write(number, { ...empty, ...rest, address: wordsOf(text), port: be16(port) });
    if (!this.#services.has(number)) this.#index.add(keyOf(spec), number);
    this.#services.set(number, spec);
  }

  removeService(number: number): void {
    const spec = this.#services.get(number);
    if (spec) this.#index.delete(keyOf(spec), number);
    this.#services.delete(number);
  }

  /** The VIP's own record, which every VIP has. */
  vip(number: number, text: string, more: Partial<ServiceSpec> = {}): void {
    const { flags = 0, ...rest } = more;
    this.service({ number, address: text, port: 0, protocol: 0, flags: flags | lbServiceFlag.VIP, ...rest });
  }

  backend(spec: BackendSpec): void {
    const { number, address: text, source, behind = 'out0', guePort = 6080, natPort = 0, flags = 0, ...rest } = spec;
    const v6 = text.includes(':');
    const own = source ?? (v6 ? 'fd00:2::1' : '10.0.2.1');
    this.#backendRecords.write(number, {
      state: lbBackendState.ALIVE | lbBackendState.RESOLVED,
      flags: flags | (v6 ? lbBackendFlag.IPV6 : 0),
      mtu: 1500,
      ifindex: this.ifindex(behind),
      destination: Uint8Array.from(mac(hosts[behind].host)),
      source_mac: Uint8Array.from(mac(hosts[behind].router)),
      outer_sum: outerSum(mapped(own), mapped(text)),
      port: be16(natPort),
      gue_port: be16(guePort),
      ...rest,
      address: wordsOf(text),
      source: wordsOf(own),
    });
  }

  /** A ring whose slots start at `first`. */
  ring(number: number, slots: readonly number[], options: Partial<LbRing> & { readonly first?: number } = {}): void {
    const { first = number * 1024, ...rest } = options;
    slots.forEach((slot, i) => {
      this.#slots.setUint32((first + i) * 4, slot, true);
    });
    const place = (BigInt(first) << 32n) | BigInt(slots.length);
    this.#ringRecords.write(number, {
      deadline: 0n,
      settle: 0n,
      refused: 0n,
      reserved: [0n, 0n, 0n, 0n],
      ...rest,
      place,
    });
  }

  /** Now, by the clock of the records. */
  get now(): bigint {
    return process.hrtime.bigint();
  }

  flows(): [LbFlowKey, LbFlow][] {
    return [...this.maps.lbFlows!.entries()];
  }

  clearFlows(): void {
    for (const map of [this.maps.lbFlows!, this.maps.lbTracked!]) for (const key of [...map.keys()]) map.delete(key);
  }

  /** Events that happened meanwhile, by name; those that did not are left out. */
  eventsOf(work: () => void): Partial<Record<EventName, number>> {
    const read = () =>
      lbEventNames.map((_, i) => this.maps.lbEvents!.getPerCpu(i)!.reduce((sum, count) => sum + count, 0n));
    const before = read();
    work();
    const after = read();
    return Object.fromEntries(
      lbEventNames.flatMap((name, i) => (after[i] === before[i] ? [] : [[name, Number(after[i]! - before[i]!)]])),
    );
  }

  traffic(which: 'service' | 'backend', number: number): { packets: number; bytes: number; flows: number } {
    const map = (which === 'service' ? serviceTraffic : backendTraffic)(this.maps.lbTraffic!);
    const sum = { packets: 0, bytes: 0, flows: 0 };
    for (const cpu of map.getPerCpu(number)) {
      sum.packets += Number(cpu.packets);
      sum.bytes += Number(cpu.bytes);
      sum.flows += Number(cpu.flows);
    }
    return sum;
  }

  override close(): void {
    for (const map of this.#mapped ?? []) map.close();
    super.close();
  }
}

function keyOf(spec: ServiceSpec) {
  return {
    address: mapped(spec.address),
    port: spec.port,
    protocol: spec.protocol,
    ...(spec.prefix ? { prefixLength: spec.prefix - 1 } : {}),
  };
}

/** The slot of a TCP or UDP flow in a ring of `size`. */
export function slotOfFlow(
  flow: { source: string; destination: string; sourcePort: number; destinationPort: number; protocol: number },
  size: number,
  seed = 0,
): number {
  return slotOf(flowHash({ ...flow, source: mapped(flow.source), destination: mapped(flow.destination) }, seed), size);
}
