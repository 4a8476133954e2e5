/**
 * What watching costs: the same packet by programs that count and sample more and more, taking turns, and by one that
 * does neither; and veth to veth, with what is lost after the verdict counted from tracepoints. For a routed packet and for one of a service. From minima: a noisy moment only ever adds.
 */
import { maps as benchMaps } from '../../controlplane/bpf/generated/balance-bench.ts';
import { portFlag } from '../../controlplane/bpf/generated/headrace.ts';
import { BpfObject, type MappedMap, netnsInode, TracepointLink } from '../../controlplane/bpf/index.ts';
import type { Features } from '../../controlplane/dataplane/index.ts';
import { idle } from '../../controlplane/tap/tap.ts';
import { BalancerBox, TCP } from '../dataplane/balancer/box.ts';
import { repository } from '../lab/library/repository.ts';
import { type Case, furnish, sample } from './balancer.ts';
import { measureSubjects } from './end-to-end.ts';
import { cpuTimeOf } from './packet-cost.ts';
import { RouterLab, Subject } from './router-lab.ts';
import { type Samples, summarize } from './statistics.ts';

interface CountersOptions {
  readonly json: boolean;
  readonly rounds: number;
}

interface Row {
  readonly name: string;
  readonly ns: Samples;
}

/** Of a packet of one kind. The first row is the harness alone, the second the program that counts nothing. */
interface Table {
  readonly packet: string;
  readonly rows: readonly Row[];
}

/** Closes what it was given, the last first: Node 20 has no DisposableStack. */
class Stack implements Disposable {
  readonly #held: Disposable[] = [];

  use<T extends Disposable>(held: T): T {
    this.#held.push(held);
    return held;
  }

  [Symbol.dispose](): void {
    for (const one of this.#held.reverse()) one[Symbol.dispose]();
  }
}

const REPEAT = 100_000;
/** One packet in so many is sampled: what `sflow` has by default. */
const SAMPLING = 1000;
const [DROP, TX, REDIRECT] = [1, 3, 4];

const variants: readonly { readonly name: string; readonly features: Features }[] = [
  { name: 'counters off', features: { feature_counters: false } },
  { name: 'counters', features: {} },
  { name: 'and ways through the box', features: { feature_paths: true } },
  { name: 'and sFlow: everything on', features: { feature_paths: true, feature_tap: true, feature_capture: false } },
];

function measureRouted(rounds: number): Table {
  using lab = new RouterLab();
  lab.setRoutes(1);
  using references = lab.loadReferences('hot');
  using stack = new Stack();
  const call = references.program('bench_call');
  const called = stack.use(references.program('called'));
  const subjects = variants.map(({ name, features }) => {
    const subject = stack.use(new Subject(lab, features as Readonly<Record<string, boolean>>));
    if (features['feature_tap']) subject.sampleEvery(SAMPLING);
    return { name, fd: subject.program.fd, verdict: REDIRECT };
  });
  const rows = [{ name: 'harness', fd: called.fd, verdict: DROP }, ...subjects];
  const found = takeTurns(rows.length, rounds, (i) => {
    const { name, fd, verdict } = rows[i]!;
    references.programs.set(0, fd);
    const one = lab.router.inNamespace(() => cpuTimeOf(call, lab.ingress, REPEAT));
    if (one.verdict !== verdict) throw new Error(`measure ${name}: verdict ${one.verdict}, not ${verdict}`);
    return one.ns;
  });
  return { packet: 'routed', rows: rows.map(({ name }, i) => ({ name, ns: found[i]! })) };
}

/** The same from veth to veth, where a packet costs what it costs: generator, router and sink on one core. */
async function measureEndToEnd(rounds: number): Promise<Table> {
  using lab = new RouterLab();
  lab.setRoutes(1);
  using references = lab.loadReferences('hot');
  using stack = new Stack();
  const subjects = variants.map(({ name, features }) => {
    const subject = stack.use(new Subject(lab, features as Readonly<Record<string, boolean>>));
    if (features['feature_tap']) subject.sampleEvery(SAMPLING);
    subject.setFlags(portFlag.VIRTUAL);
    return { name, program: subject.program, delivers: true };
  });
  const [, counted] = subjects;
  const losses = stack.use(BpfObject.open(`${repository}/build/xdp/losses.bpf.o`));
  losses.setConstants({ own_netns: lab.router.inNamespace(netnsInode) });
  losses.load();
  const watched = { ...counted!, name: 'and what is lost after the verdict', beside: () => attached(losses) };
  subjects.splice(2, 0, watched);
  const generator = { name: 'generator', program: references.program('router_drop'), delivers: false };
  const rows = await measureSubjects(lab, references, rounds, REPEAT, [generator, ...subjects]);
  return { packet: 'routed, from veth to veth', rows };
}

/** The programs that count losses, on their tracepoints. */
function attached(losses: BpfObject): Disposable {
  const links = new Stack();
  for (const name of ['headrace_redirect_err', 'headrace_devmap_xmit', 'headrace_exception']) {
    using program = losses.program(name);
    links.use(TracepointLink.attach(program));
  }
  return links;
}

function measureBalanced(rounds: number): Table {
  using stack = new Stack();
  const object = stack.use(BpfObject.open(`${repository}/build/xdp/balance-bench.bpf.o`));
  object.load();
  const programs = stack.use(object.map(benchMaps.programs));
  const arrivals: MappedMap = stack.use(object.map(benchMaps.arrivals).mmap());
  const harness = stack.use(object.program('floor_drop'));
  const subject = stack.use(object.program('subject'));
  const boxes = variants.map(({ name, features }) => {
    const box = stack.use(new BalancerBox(features));
    furnish(box);
    if (features['feature_tap']) box.maps.tapFilter!.set(0, { ...idle, sample_rate: SAMPLING });
    return { name, box };
  });
  const packet: Case = { name: 'ipip, a million flows', port: 80, protocol: TCP, verdict: TX, flows: 1_000_000 };
  const rows = [{ name: 'harness', box: boxes[0]!.box }, ...boxes];
  const found = takeTurns(rows.length, rounds, (i) => {
    const { box } = rows[i]!;
    programs.set(0, box.program.fd);
    if (i === 0) return sample(box, harness, arrivals, { ...packet, verdict: DROP }, REPEAT);
    return sample(box, subject, arrivals, packet, REPEAT);
  });
  return { packet: 'of a service (ipip, a million flows)', rows: rows.map(({ name }, i) => ({ name, ns: found[i]! })) };
}

function takeTurns(count: number, rounds: number, measure: (index: number) => number): Samples[] {
  const samples = Array.from({ length: count }, (): number[] => []);
  for (let round = 0; round < rounds; round++) for (const [i, one] of samples.entries()) one.push(measure(i));
  return samples.map(summarize);
}

export async function benchCounters({ json, rounds }: CountersOptions): Promise<void> {
  const measured = [await measureEndToEnd(rounds), measureRouted(rounds), measureBalanced(rounds)];
  const tables = measured.map(({ packet, rows }) => {
    const [harness, off] = rows.map(({ ns }) => ns.min) as [number, number];
    return {
      packet,
      rows: rows.map(({ name, ns }) => ({
        name,
        ns,
        ratio: ns.min / off,
        net: (ns.min - harness) / (off - harness),
      })),
    };
  });
  if (json) {
    console.log(JSON.stringify(tables, undefined, 2));
    return;
  }
  for (const { packet, rows } of tables) {
    console.log(`\nns a packet ${packet}`);
    console.log(`${''.padEnd(36)}    min  median  ratio  without the harness`);
    for (const [i, { name, ns, ratio, net }] of rows.entries()) {
      const ratios = i === 0 ? '' : `${ratio.toFixed(3).padStart(7)}  ${net.toFixed(3)}`;
      console.log(`${name.padEnd(36)} ${ns.min.toFixed(1).padStart(6)}  ${ns.median.toFixed(1).padStart(6)}${ratios}`);
    }
  }
}
