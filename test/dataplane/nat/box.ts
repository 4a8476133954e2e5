/**
 * A balancer on the bench whose services translate: with the settings, the filter and the list of sources that the
 * control plane would write, and one service of each family and protocol.
 */
import { placeOf } from '../../../controlplane/balancer/packet-path/hash.ts';
import {
  lbMode,
  lbServiceFlag,
  type NatFlow,
  type NatKey,
  natEventNames,
  natState,
  natStateNames,
} from '../../../controlplane/bpf/generated/headrace.ts';
import type { MappedMap } from '../../../controlplane/bpf/index.ts';
import type { Features } from '../../../controlplane/dataplane/index.ts';
import { BalancerBox, be16, mapped, steady, TCP, UDP } from '../balancer/box.ts';
import { address } from '../packets/bytes.ts';
import type { PacketSpec, PortName } from '../packets/packet.ts';

export type Family = 4 | 6;
export const families: readonly Family[] = [4, 6];
/** The VIP, a client behind in0, the backend behind out0, and what the box calls itself towards it. */
export const ends = {
  4: { vip: '192.0.2.100', client: '10.0.1.2', backend: '10.0.2.2', own: '10.0.2.1', far: '198.51.100.20' },
  6: { vip: '2001:db8:1::100', client: 'fd00:1::2', backend: 'fd00:2::2', own: 'fd00:2::1', far: '2001:db8:100::20' },
} as const;
/** Where clients connect, and where the backend listens. */
export const PORT = 80;
export const BACKEND_PORT = 8080;
/** Seconds, short enough to be told apart. */
export const idle = { syn_sent: 20, established: 7440, udp: 30, udp_stream: 120 } as const;

const wordsOf = (text: string): number[] => {
  const view = new DataView(mapped(text).buffer);
  return [0, 4, 8, 12].map((at) => view.getUint32(at, true));
};

/** Records of the services by family and protocol. */
const numbers = { 4: { 6: 10, 17: 11 }, 6: { 6: 12, 17: 13 } } as const;

export class NatBox extends BalancerBox {
  readonly #filter: MappedMap;

  constructor(features: Features = {}, sizes: Readonly<Record<string, number>> = {}) {
    super({ ...features, feature_nat: true }, sizes);
    this.#filter = this.maps.natFilter!.mmap();
    for (const family of families) {
      this.vip(family, ends[family].vip);
      this.backend({ number: family, address: ends[family].backend, natPort: BACKEND_PORT });
      this.ring(family, [steady(family)]);
    }
    this.services();
    for (const seconds of Object.entries({ ...idle }))
      this.maps.natIdle!.set(natState[seconds[0].toUpperCase() as keyof typeof natState], seconds[1]);
    for (const state of ['SYN_RECV', 'PICKED_UP', 'FIN', 'CLOSED', 'RESET'] as const)
      this.maps.natIdle!.set(natState[state], 60);
    this.setPorts(1024, 32767);
  }

  /** The services, with these fields besides. */
  services(more: { flags?: number; fragments?: number; mss?: number; idle?: number } = {}): void {
    for (const family of families)
      for (const protocol of [TCP, UDP] as const) {
        const { vip, backend } = ends[family];
        const number = numbers[family][protocol];
        this.service({ number, address: vip, port: PORT, protocol, mode: lbMode.NAT, ring: family, ...more });
        this.source(backend, BACKEND_PORT, protocol);
      }
  }

  serviceNumber(family: Family, protocol: number): number {
    return numbers[family][protocol as 6 | 17];
  }

  setSnat(on: boolean): void {
    this.services({ flags: on ? lbServiceFlag.SNAT : 0 });
  }

  setPorts(first: number, last: number, routeStrays = 0): void {
    this.maps.natSettings!.set(0, { port_first: first, port_last: last, route_strays: routeStrays });
  }

  /** Replies come from there. */
  source(text: string, port: number, protocol: number): void {
    const bit = placeOf({ address: mapped(text), port: 0, protocol: 0 }).filterBit;
    const word = this.#filter.view.getBigUint64((bit >> 6) * 8, true);
    this.#filter.view.setBigUint64((bit >> 6) * 8, word | (1n << BigInt(bit % 64)), true);
    this.maps.natSources!.set({ address: wordsOf(text), port: be16(port), protocol, zero: 0 }, 1);
  }

  /** All entries, by the table they are in. */
  table(which: 'natFlows' | 'natOpening'): [NatKey, NatFlow][] {
    return [...this.maps[which]!.entries()];
  }

  /** Names of the states of connections, in both tables. */
  states(): string[] {
    return (['natFlows', 'natOpening'] as const).flatMap((which) =>
      this.table(which)
        .filter(([key]) => key.direction === 0)
        .map(([, flow]) => `${which === 'natFlows' ? 'held' : 'opening'} ${natStateNames[flow.state]}`),
    );
  }

  forget(): void {
    for (const which of ['natFlows', 'natOpening', 'natFragments'] as const) {
      const map = this.maps[which]!;
      for (const key of [...map.keys()]) map.delete(key as never);
    }
  }

  /** As if so many seconds had passed for every connection. */
  age(seconds: number): void {
    for (const which of ['natFlows', 'natOpening'] as const)
      for (const [key, flow] of this.table(which))
        this.maps[which]!.set(key, {
          ...flow,
          seen: flow.seen - BigInt(seconds) * 1_000_000_000n,
          touched: (flow.touched - 10_000) >>> 0,
        });
  }

  /** Events that happened meanwhile, by name; those that did not are left out. */
  natEventsOf(work: () => void): Record<string, number> {
    const read = () => natEventNames.map((_, i) => this.maps.natEvents!.getPerCpu(i)!.reduce((sum, n) => sum + n, 0n));
    const before = read();
    work();
    const after = read();
    return Object.fromEntries(
      natEventNames.flatMap((name, i) => (after[i] === before[i] ? [] : [[name, Number(after[i]! - before[i]!)]])),
    );
  }

  override close(): void {
    this.#filter?.close();
    super.close();
  }
}

export interface Shown {
  readonly verdict: string;
  readonly reason: string;
  readonly frame: string;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Sends a frame and says what became of it, for comparing. */
export function shown(box: NatBox, frame: Uint8Array, port: PortName = 'in0'): Shown {
  const outcome = box.send(frame, port);
  return { verdict: outcome.verdict, reason: outcome.reason, frame: hex(outcome.frame) };
}

export function sent(frame: Uint8Array, reason: string): Shown {
  return { verdict: 'redirect', reason, frame: hex(frame) };
}

/** Port of the source of a frame without tags or options, host byte order. */
export function sourcePortOf(frame: Uint8Array): number {
  const at = frame[12] === 0x08 ? 34 : 54;
  return (frame[at]! << 8) | frame[at + 1]!;
}

export function sourceOf(frame: Uint8Array): string {
  const bytes = frame[12] === 0x08 ? frame.slice(26, 30) : frame.slice(22, 38);
  return hex(bytes);
}

export const hexOf = (text: string): string => hex(Uint8Array.from(address(text)));

export type { PacketSpec };
