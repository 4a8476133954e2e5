/**
 * Packets of many flows, as fast as the kernel makes them: frames of BPF_PROG_TEST_RUN that really leave by an interface
 * of a host. And a sink that counts what arrives.
 */
import { type Arrival, maps as benchMaps } from '../../controlplane/bpf/generated/balance-bench.ts';
import { type BpfMap, BpfObject, type MappedMap, type Program, XdpLink } from '../../controlplane/bpf/index.ts';
import { be16, mapped } from '../dataplane/balancer/box.ts';
import { mac } from '../dataplane/packets/bytes.ts';
import type { Host } from '../lab/library/host.ts';
import { repository } from '../lab/library/repository.ts';

export interface FloodSpec {
  readonly from: Host;
  /** Interface of `from`, and the MAC address of its peer. */
  readonly device: string;
  readonly to: string;
  /** First source address; others follow it. IPv4. */
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly protocol: number;
  /** Of TCP. */
  readonly flags?: number;
  /** How many packets belong to; Infinity: each to a new one. */
  readonly flows: number;
}

/** A frame of 64 bytes with its check sequence, which XDP never sees. */
const FRAME = 60;

export class Flood implements Disposable {
  readonly #object: BpfObject;
  readonly #program: Program;
  readonly #sink: Program;
  readonly #arrivals: MappedMap;
  readonly #delivered: BpfMap<number, bigint>;
  #sent = 0n;

  constructor() {
    this.#object = BpfObject.open(`${repository}/build/xdp/balance-bench.bpf.o`);
    this.#object.load();
    this.#program = this.#object.program('flood');
    this.#sink = this.#object.program('sink');
    using arrivals = this.#object.map(benchMaps.arrivals);
    this.#arrivals = arrivals.mmap();
    this.#delivered = this.#object.map(benchMaps.delivered);
  }

  /** Sends, and comes back when all are sent. No two calls send the same flow, where each packet has a new one. @returns nanoseconds a packet. */
  send(spec: FloodSpec, packets: number): number {
    const macs = new DataView(Uint8Array.from([...mac(spec.to), ...mac(spec.from.mac(spec.device))]).buffer);
    const endless = !Number.isFinite(spec.flows);
    const record: Arrival = {
      count: endless ? this.#sent : 0n,
      flow_mask: endless ? 0xffff_ffff : 0,
      modulo: endless ? 0 : spec.flows,
      frame: FRAME,
      source: words(spec.source),
      destination: words(spec.destination),
      port: be16(spec.port),
      protocol: spec.protocol,
      flags: spec.flags ?? 0,
      ipv6: 0,
      zero: 0,
      to: macs.getUint32(0, true),
      to_end: macs.getUint16(4, true),
      from_start: macs.getUint16(6, true),
      from: macs.getUint32(8, true),
    };
    benchMaps.arrivals.value.write(this.#arrivals.view, 0, record);
    this.#sent += BigInt(packets);
    const ingressIfindex = spec.from.ifindex(spec.device);
    const { durationNs } = spec.from.inNamespace(() =>
      this.#program.testRun({ data: new Uint8Array(FRAME), ingressIfindex, repeat: packets, live: { batch: 64 } }),
    );
    return durationNs;
  }

  /** Counts, and drops, what arrives at a host's interface. Close it to let packets through again. */
  sink(host: Host, device: string): XdpLink {
    const ifindex = host.ifindex(device);
    return host.inNamespace(() => XdpLink.attach(this.#sink, ifindex, 'native'));
  }

  get delivered(): number {
    return Number(this.#delivered.getPerCpu(0)!.reduce((sum, count) => sum + count, 0n));
  }

  [Symbol.dispose](): void {
    this.#delivered.close();
    this.#arrivals.close();
    this.#sink.close();
    this.#program.close();
    this.#object.close();
  }
}

function words(text: string): number[] {
  const view = new DataView(mapped(text).buffer);
  return [0, 4, 8, 12].map((at) => view.getUint32(at, true));
}
