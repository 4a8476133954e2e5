/**
 * sFlow version 5 (sflow.org/sflow_version_5.txt): sampled packets and interface counters as datagrams.
 *
 * sFlow and not IPFIX, because it needs no flow cache: every sample stands for itself, nothing is remembered, and a lost
 * datagram costs its samples alone.
 */
import type { TapRecord } from '../../controlplane/tap/index.ts';
import type { InterfaceCounters } from './interface-counters.ts';
import { outputOf } from './output.ts';
import { XdrWriter } from './xdr.ts';

const VERSION = 5;
const FLOW_SAMPLE = 1;
const COUNTERS_SAMPLE = 2;
const RAW_HEADER = 1;
const GENERIC_COUNTERS = 1;
const ETHERNET = 1;
const ETHERNET_CSMACD = 6;
const FULL_DUPLEX = 1;
/** The frame check sequence: on the wire, and counted in its length, but never seen here. */
const FCS_BYTES = 4;
/** Below any path's MTU with its headers. */
const DATAGRAM_BYTES = 1400;
const HEAD_BYTES = 44;

export interface AgentOptions {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  /** Tells several agents of one address apart. */
  readonly subAgent: number;
  /** One packet in so many is sampled. */
  readonly rate: number;
  readonly send: (datagram: Buffer) => void;
  /** Milliseconds that the agent has been running. */
  readonly uptime: () => number;
}

interface Source {
  sequence: number;
  pool: number;
  /** Samples that were lost, told with the next one of the same CPU, as is the pool they stood for. */
  drops: number;
}

/** Turns samples into datagrams; what does not fill one waits for `flush`. */
export class SflowAgent {
  readonly #options: AgentOptions;
  readonly #flows = new Map<number, Source>();
  readonly #counters = new Map<number, number>();
  #pending: Buffer[] = [];
  #bytes = 0;
  #sequence = 0;

  constructor(options: AgentOptions) {
    this.#options = options;
  }

  flow(record: TapRecord): void {
    const { header } = record;
    const source = this.#flows.get(header.ingress) ?? { sequence: 0, pool: 0, drops: 0 };
    this.#flows.set(header.ingress, source);
    source.sequence++;
    source.pool += header.pool;
    source.drops += header.missed;
    const raw = new XdrWriter()
      .u32(ETHERNET)
      .u32(header.length + FCS_BYTES)
      .u32(FCS_BYTES) // stripped: "in the case of a non-encapsulated 802.3 packet stripped >= 4"
      .opaque(record.incoming.subarray(0, 128))
      .bytes();
    const body = new XdrWriter()
      .u32(source.sequence)
      .u32(header.ingress & 0xffffff)
      .u32(this.#options.rate)
      .u32(BigInt(source.pool))
      .u32(BigInt(source.drops))
      .u32(header.ingress)
      .u32(outputOf(record))
      .u32(1)
      .u32(RAW_HEADER)
      .opaque(raw)
      .bytes();
    this.#add(new XdrWriter().u32(FLOW_SAMPLE).opaque(body).bytes());
  }

  counters(of: InterfaceCounters): void {
    const sequence = (this.#counters.get(of.ifindex) ?? 0) + 1;
    this.#counters.set(of.ifindex, sequence);
    const generic = new XdrWriter()
      .u32(of.ifindex)
      .u32(ETHERNET_CSMACD)
      .u64(of.speedBps)
      .u32(FULL_DUPLEX)
      .u32((of.up ? 1 : 0) | (of.running ? 2 : 0))
      .u64(of.inBytes)
      .u32(of.inPackets > of.inMulticast ? of.inPackets - of.inMulticast : 0n) // unicast
      .u32(of.inMulticast)
      .u32(0xffffffff) // broadcast: not counted
      .u32(of.inDrops)
      .u32(of.inErrors)
      .u32(0xffffffff) // unknown protocols: not counted
      .u64(of.outBytes)
      .u32(of.outPackets)
      .u32(0xffffffff)
      .u32(0xffffffff)
      .u32(of.outDrops)
      .u32(of.outErrors)
      .u32(of.promiscuous ? 1 : 2)
      .bytes();
    const body = new XdrWriter()
      .u32(sequence)
      .u32(of.ifindex & 0xffffff)
      .u32(1)
      .u32(GENERIC_COUNTERS)
      .opaque(generic)
      .bytes();
    this.#add(new XdrWriter().u32(COUNTERS_SAMPLE).opaque(body).bytes());
  }

  #add(sample: Buffer): void {
    if (HEAD_BYTES + this.#bytes + sample.length > DATAGRAM_BYTES) this.flush();
    this.#pending.push(sample);
    this.#bytes += sample.length;
  }

  /** Sends what waits. */
  flush(): void {
    if (this.#pending.length === 0) return;
    const { address, subAgent, uptime, send } = this.#options;
    const head = new XdrWriter()
      .u32(VERSION)
      .u32(address.length === 4 ? 1 : 2)
      .fixed(address)
      .u32(subAgent)
      .u32(++this.#sequence)
      .u32(BigInt(Math.round(uptime())))
      .u32(this.#pending.length)
      .bytes();
    const datagram = Buffer.concat([head, ...this.#pending]);
    this.#pending = [];
    this.#bytes = 0;
    send(datagram);
  }
}
