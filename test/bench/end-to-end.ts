/**
 * What a forwarded packet costs from veth to veth, on one core: the generator, the router and the sink all run in one
 * softirq on the generator's CPU, so nothing is lost to full queues, and what they cost adds up. The generator's own
 * share is measured too (a router that drops), and ratios are given with and without it.
 */

import { portFlag } from '../../controlplane/bpf/generated/headrace.ts';
import type { Program, XdpLink } from '../../controlplane/bpf/index.ts';
import { runOnCpus } from '../../controlplane/bpf/libc.ts';
import { type References, type RouterLab, type Spread, Subject } from './router-lab.ts';
import { type Samples, summarize } from './statistics.ts';

const FRAME = new Uint8Array(60);

export interface EndToEnd {
  readonly name: string;
  /** For each packet delivered. */
  readonly ns: Samples;
  /** The best of it, the generator included. */
  readonly mpps: number;
  /** Share of packets that never arrived, 0 to 1. */
  readonly lost: number;
}

export async function measureEndToEnd(
  lab: RouterLab,
  spread: Spread,
  rounds: number,
  packets: number,
): Promise<EndToEnd[]> {
  using references = lab.loadReferences(spread);
  using headrace = new Subject(lab, {});
  headrace.setFlags(portFlag.VIRTUAL);
  using mirror = new Subject(lab, { feature_mirror: true });
  mirror.setFlags(portFlag.VIRTUAL);
  return await measureSubjects(lab, references, rounds, packets, [
    { name: 'generator alone (router drops)', program: references.program('router_drop'), delivers: false },
    { name: 'kernel forwarding', program: undefined, delivers: true },
    { name: 'static redirect_map', program: references.program('router_static'), delivers: true },
    { name: 'fib_lookup + redirect_map', program: references.program('router_fib'), delivers: true },
    { name: 'Headrace', program: headrace.program, delivers: true },
    { name: 'Headrace, mirror', program: mirror.program, delivers: true },
  ]);
}

/** What runs on the router; undefined for the kernel alone. */
export interface LiveSubject {
  readonly name: string;
  readonly program: Program | undefined;
  readonly delivers: boolean;
  /** What is there while it runs, and only then. */
  readonly beside?: () => Disposable;
}

/** All of them, taking turns. */
export async function measureSubjects(
  lab: RouterLab,
  references: References,
  rounds: number,
  packets: number,
  candidates: readonly LiveSubject[],
): Promise<EndToEnd[]> {
  const generator = references.program('generator');
  using _sink = lab.attach(lab.sink, lab.sink.ifindex('s0'), references.program('sink'));
  const received = (): number => Number(references.received.getPerCpu(0)!.reduce((sum, count) => sum + count, 0n));
  const samples = candidates.map(() => ({ ns: [] as number[], lost: [] as number[] }));
  for (let round = 0; round <= rounds; round++) {
    for (const [i, { program, delivers, beside }] of candidates.entries()) {
      using _beside = beside?.();
      using _router: XdpLink | undefined = program && lab.attach(lab.router, lab.ingress, program);
      const before = received();
      runOnCpus([0]);
      const { durationNs } = lab.generator.inNamespace(() =>
        generator.testRun({ data: FRAME, ingressIfindex: lab.source, repeat: packets, live: { batch: 64 } }),
      );
      await settled(received);
      const delivered = delivers ? received() - before : packets;
      if (round === 0) continue; // warms caches and page pools up
      samples[i]!.ns.push((durationNs * packets) / Math.max(1, delivered));
      samples[i]!.lost.push(1 - delivered / packets);
    }
  }
  return candidates.map(({ name }, i) => {
    const ns = summarize(samples[i]!.ns);
    return { name, ns, mpps: 1000 / ns.min, lost: summarize(samples[i]!.lost).median };
  });
}

/** Waits until nothing arrives any more. */
async function settled(received: () => number): Promise<void> {
  for (let previous = -1, now = received(); previous !== now; previous = now, now = received())
    await new Promise((resolve) => setTimeout(resolve, 5));
}
