/**
 * What a packet costs inside the program: nanoseconds of CPU time, by BPF_PROG_TEST_RUN. Transmission itself is not in
 * it: a redirect only notes where the packet shall go.
 *
 * The programs take turns, so that a noisy moment hits all of them. CPU time and not wall time, because others run on
 * this machine too, and the kernel sleeps about 20 ms before a repeated run.
 */
import { portFlag } from '../../controlplane/bpf/generated/headrace.ts';
import type { Program } from '../../controlplane/bpf/index.ts';
import { type RouterLab, type Spread, Subject } from './router-lab.ts';
import { type Samples, summarize } from './statistics.ts';

/** xdp_action */
const [DROP, TX, REDIRECT] = [1, 3, 4];
/** A frame of 64 bytes with its check sequence, which XDP never sees. */
const FRAME = new Uint8Array(60);

export interface PacketCost {
  readonly name: string;
  readonly ns: Samples;
}

export function measurePacketCost(lab: RouterLab, spread: Spread, rounds: number, repeat: number): PacketCost[] {
  using references = lab.loadReferences(spread);
  using headrace = new Subject(lab, {});
  using uncounted = new Subject(lab, { feature_counters: false });
  using mirror = new Subject(lab, { feature_mirror: true });
  const call = references.program('bench_call');
  const called = references.program('called');
  const subject = (name: string, of: Subject, flags: number) => ({
    name,
    program: call,
    verdict: REDIRECT,
    prepare: () => {
      references.programs.set(0, of.program.fd);
      of.setFlags(flags);
    },
  });
  const reference = (name: string, program: string, verdict: number | undefined) => ({
    name,
    program: references.program(program),
    verdict,
    prepare: () => undefined,
  });
  const candidates = [
    reference('drop (harness and arrival)', 'bench_drop', DROP),
    reference('TX with MACs swapped', 'bench_tx', TX),
    reference('static redirect_map', 'bench_static', REDIRECT),
    reference('fib_lookup + redirect_map', 'bench_fib', REDIRECT),
    {
      name: 'tail call (part of all below)',
      program: call,
      verdict: DROP,
      prepare: () => references.programs.set(0, called.fd),
    },
    subject('Headrace', headrace, 0),
    subject('Headrace without counters', uncounted, 0),
    subject('Headrace, mirror', mirror, 0),
    subject('Headrace, virtual port', headrace, portFlag.VIRTUAL),
    subject('Headrace, strict rp_filter', headrace, portFlag.RP_STRICT),
  ];
  const samples = candidates.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    candidates.forEach(({ name, program, verdict, prepare }, i) => {
      prepare();
      const sample = lab.router.inNamespace(() => cpuTimeOf(program, lab.ingress, repeat));
      if (sample.verdict !== verdict) throw new Error(`measure ${name}: verdict ${sample.verdict}, not ${verdict}`);
      samples[i]!.push(sample.ns);
    });
  }
  return candidates.map(({ name }, i) => ({ name, ns: summarize(samples[i]!) }));
}

/** Runs `program` on a packet that comes in by the interface; call it in the router's namespace. */
export function cpuTimeOf(program: Program, ingressIfindex: number, repeat: number): { verdict: number; ns: number } {
  const start = process.cpuUsage();
  const { verdict } = program.testRun({ data: FRAME, ingressIfindex, repeat });
  const used = process.cpuUsage(start);
  return { verdict, ns: ((used.user + used.system) * 1000) / repeat };
}
