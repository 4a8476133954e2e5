/**
 * Does a driver take frames that are redirected to it? Before Linux 6.3 the kernel does not say. Hardware goes by what is
 * known of its driver; a veth depends on its far end, in whatever namespace that is: it takes frames as long as that one
 * polls for them (it has an XDP program, or GRO switched on). So a veth is tried.
 *
 * A frame of 64 bytes is redirected to it, of an Ethernet type that IEEE 802 leaves for experiments, addressed to the
 * interface itself: whoever gets it drops it. The driver counts it where frames can be taken, and does not where they
 * cannot: then it was lost, and nothing else was.
 */
import { BpfObject, type Program } from '../bpf/index.ts';
import type { Link } from '../netlink/index.ts';
import { driverOf, knownToTransmit } from './driver.ts';
import { statisticsOf } from './ethtool.ts';

/** IEEE Std 802 local experimental EtherType 1. */
const LOCAL_EXPERIMENTAL = 0x88b5;
const FRAME_BYTES = 64;
const ETHERNET_HEADER = 14;

export class EgressProbe implements Disposable {
  readonly #objectPath: string;
  #program: Program | undefined;

  /** @param objectPath of egress-probe.bpf.o, loaded when there is a veth to try. */
  constructor(objectPath: string) {
    this.#objectPath = objectPath;
  }

  /** @throws BpfError when the probe cannot be loaded or run. */
  transmits(link: Link): boolean {
    const driver = driverOf(link.name);
    return driver === 'veth' ? link.up && link.running && this.#tries(link) : knownToTransmit(driver);
  }

  #tries(link: Link): boolean {
    const before = taken(link.name);
    if (before === undefined) return false;
    this.#program ??= this.#load();
    const frame = Buffer.alloc(FRAME_BYTES);
    frame.set(link.mac, 0);
    frame.set(link.mac, 6);
    frame.writeUInt16BE(LOCAL_EXPERIMENTAL, 12);
    frame.writeUInt32LE(link.index, ETHERNET_HEADER);
    this.#program.testRun({ data: frame, live: { batch: 1 } });
    return (taken(link.name) ?? before) > before;
  }

  #load(): Program {
    using object = BpfObject.open(this.#objectPath);
    object.load();
    return object.program('headrace_egress_probe');
  }

  close(): void {
    this.#program?.close();
    this.#program = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Redirected frames that the far end's queues took, or had no room for: either way it polls for them. */
function taken(name: string): bigint | undefined {
  const counters = statisticsOf(name);
  if (!counters) return undefined;
  let sum = 0n;
  for (const [counter, value] of counters) if (/^tx_queue_\d+_xdp_xmit(_errors)?$/.test(counter)) sum += value;
  return sum;
}
