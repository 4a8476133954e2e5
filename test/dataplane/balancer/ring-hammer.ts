/**
 * Swaps two rings as fast as it can, by what the daemon swaps them with, while another thread sends packets: a worker of
 * hammer.test.ts. Step n gives the first ring to backend `ownerOf(n)`, alternating sizes and kinds of slots; the second
 * one always belongs to the same backend, and takes the places in the arena that the first gives up.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { tablesOf } from '../../../controlplane/balancer/packet-path/index.ts';
import { RegionPool } from '../../../controlplane/balancer/region-pool.ts';
import { Ring } from '../../../controlplane/balancer/ring.ts';
import { RingKeeper, ringMemory } from '../../../controlplane/balancer/ring-keeper.ts';
import { maps } from '../../../controlplane/bpf/generated/headrace.ts';
import { BpfMap } from '../../../controlplane/bpf/index.ts';
import { timedGrace } from '../../../controlplane/routing/fib/grace.ts';

export interface HammerData {
  /** Descriptor of lb_tables; it stays the other thread's. */
  readonly tables: number;
  /** Three words: see `word`. */
  readonly shared: SharedArrayBuffer;
}

/** What the threads tell each other: the step that may be seen already, the one that surely is, and the end. */
export const word = { begun: 0, done: 1, stop: 2 } as const;
export const OWNERS = 200;
/** The second ring's backend, and one that no slot may ever send to. */
export const SECOND = 250;
export const NOBODY = 251;
export const ownerOf = (step: number): number => 1 + (step % OWNERS);

/** Few, so that places come around often. */
const LINES = 4096;
const SIZES = [61, 127, 1021];

function ringOf(size: number, current: number, settled: boolean, now: number): Ring {
  const ring = new Ring(size);
  for (let i = 0; i < size; i++)
    // Settling whose time is over long ago: as good as pinned, and nothing is remembered.
    ring.set(
      i,
      settled ? { phase: 'steady', current } : { phase: 'settling', current, previous: NOBODY, deadline: now - 60_000 },
    );
  return ring;
}

function hammer({ tables, shared }: HammerData): void {
  const words = new Int32Array(shared);
  using mapped = new BpfMap(tables, maps.lbTables).mmap();
  const parts = tablesOf(mapped.view);
  const memory = ringMemory(parts.rings, parts.slots);
  const regions = new RegionPool(LINES, timedGrace());
  const [first, second] = [RingKeeper.create(1, memory, regions), RingKeeper.create(2, memory, regions)];
  for (let step = 0; Atomics.load(words, word.stop) === 0; step++) {
    const size = SIZES[step % SIZES.length]!;
    while (regions.longest < 3 * Math.ceil(size / 16) && Atomics.load(words, word.stop) === 0)
      Atomics.wait(words, word.stop, 0, 1);
    const now = Number(process.hrtime.bigint()) / 1e6;
    Atomics.store(words, word.begun, step);
    first.publish(ringOf(size, ownerOf(step), step % 2 === 0, now), 0);
    Atomics.store(words, word.done, step);
    if (step % 2 === 1) {
      first.advance(now);
      first.sweep(new Uint32Array(size));
    }
    second.publish(ringOf(size, SECOND, true, now), 0);
    if (step === 0) parentPort?.postMessage('begun');
    Atomics.wait(words, word.stop, 0, 0.1);
  }
}

if (parentPort) hammer(workerData as HammerData);
