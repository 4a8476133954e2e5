/**
 * What running as a service costs a packet: the program as root loads it, as the units do (`headrace load` by a user with
 * three capabilities), and as the daemon has to load it itself, without CAP_PERFMON. One run, in turns.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { maps, type Port, portFlag } from '../../controlplane/bpf/generated/headrace.ts';
import { BpfMap, type MapDescriptor, Program } from '../../controlplane/bpf/index.ts';
import { type InstancePaths, instancePaths } from '../../controlplane/dataplane/index.ts';
import { headraceProgram, repository } from '../lab/library/repository.ts';
import { prepareRunDirectory, unitCommand } from '../lab/library/unit.ts';
import { cpuTimeOf } from './packet-cost.ts';
import { fillMaps, RouterLab, setIngress } from './router-lab.ts';
import { type Samples, summarize } from './statistics.ts';

const XDP_REDIRECT = 4;
const REPEAT = 200_000;

export interface UnitBenchOptions {
  readonly json: boolean;
  readonly rounds: number;
}

/** How the programs come to be loaded, by the instance they are loaded for. */
const ways = {
  root: 'by root',
  unit: 'by the units',
  barriers: 'by the daemon, without CAP_PERFMON',
} as const;

interface Subject {
  readonly name: string;
  readonly program: Program;
  readonly ports: BpfMap<number, Port>;
}

export function benchUnit({ json, rounds }: UnitBenchOptions): void {
  using lab = new RouterLab();
  lab.setRoutes(1);
  using references = lab.loadReferences('hot');
  const call = references.program('bench_call');
  const subjects = loadAll(lab);
  const samples = subjects.map((): number[] => []);
  for (let round = 0; round < rounds; round++)
    subjects.forEach(({ name, program }, i) => {
      references.programs.set(0, program.fd);
      const sample = lab.router.inNamespace(() => cpuTimeOf(call, lab.ingress, REPEAT));
      if (sample.verdict !== XDP_REDIRECT) throw new Error(`measure ${name}: verdict ${sample.verdict}`);
      samples[i]!.push(sample.ns);
    });
  const rows = subjects.map(({ name }, i) => ({ name, ns: summarize(samples[i]!) }));
  for (const { program, ports } of subjects) {
    program.close();
    ports.close();
  }
  if (json) console.log(JSON.stringify({ rounds, rows }, undefined, 2));
  else console.log(table(rows));
}

function loadAll(lab: RouterLab): Subject[] {
  const { router } = lab;
  const config = `${router.folder}/headrace.yaml`;
  writeFileSync(config, 'version: 1\ndataplane:\n  interfaces:\n    - match: "r*"\n');
  const env = { HEADRACE_RUN_DIR: router.runDirectory };
  const words = (instance: string): string[] => ['load', '--instance', instance, '-c', config];
  prepareRunDirectory(router.runDirectory);
  router.exec([process.execPath, headraceProgram, ...words('root')], { env });
  router.exec(unitCommand(router, 'headrace-load', words('unit')), { env });
  const helper = path.join(repository, 'dist/test/bench/preload-process.js');
  router.exec(unitCommand(router, 'headrace', ['barriers'], helper), { env });
  return Object.entries(ways).map(([instance, name]) => ({
    name,
    ...open(lab, instancePaths(instance, router.runDirectory)),
  }));
}

function open(lab: RouterLab, paths: InstancePaths): Omit<Subject, 'name'> {
  const map = <K, V>(descriptor: MapDescriptor<K, V>): BpfMap<K, V> =>
    BpfMap.openPinned(path.join(paths.maps, descriptor.name), descriptor);
  fillMaps(lab, map);
  const ports = map(maps.ports);
  setIngress(lab, ports, portFlag.VIRTUAL);
  const variant = readdirSync(paths.programs)[0]!;
  return { ports, program: Program.openPinned(path.join(paths.programs, variant, 'headrace_xdp')) };
}

function table(rows: readonly { readonly name: string; readonly ns: Samples }[]): string {
  const [root] = rows;
  const width = Math.max(...rows.map(({ name }) => name.length));
  const lines = rows.map(({ name, ns }) => {
    const ratio = (key: keyof Samples): string => (ns[key] / root!.ns[key]).toFixed(3);
    return `${name.padEnd(width)}  ${ns.min.toFixed(0).padStart(5)}  ${ns.median.toFixed(0).padStart(6)}  ${ratio('min').padStart(6)}  ${ratio('median').padStart(10)}`;
  });
  return [
    `${'loaded'.padEnd(width)}    min  median  × root  of medians`,
    ...lines,
    'CPU ns a packet in the program, harness included',
  ].join('\n');
}
