/**
 * What a route look-up costs: nothing but the look-up and the rewrite of the Ethernet header, by the tables, by the
 * kernel's helper and (the floor) by none, in one run on one machine.
 *
 * The helper asks real routes of a network namespace made for it. What all checks and counters add, and what comes out
 * at the other end of a wire, is measured by `npm run bench -- router --full`.
 */
import { execFileSync } from 'node:child_process';
import { inNetns } from '../../controlplane/bpf/index.ts';
import type { RouteChange } from '../../controlplane/netlink/route-query.ts';
import type { TableStatistics } from '../../controlplane/routing/fib/index.ts';
import { FibPrograms, fillTable } from './fib-programs.ts';
import { addKernelRoutes } from './kernel-routes.ts';
import { coveredAddresses, type SyntheticRoutes, syntheticRoutes } from './synthetic-routes.ts';

/** One measured combination. */
export interface FibTiming {
  readonly family: 4 | 6;
  readonly routes: number;
  readonly destinations: number;
  readonly how: 'static' | 'mirror' | 'helper';
  /** Nanoseconds a packet, of the whole run: best and median of the rounds. */
  readonly minimum: number;
  readonly median: number;
  /** Packets without an answer: 0, or the timing means nothing. */
  readonly asked: number;
}

/** Building a table from nothing. */
export interface FibBuild {
  readonly family: 4 | 6;
  readonly routes: number;
  readonly milliseconds: number;
  readonly statistics: TableStatistics;
}

export interface FibReport {
  readonly timings: readonly FibTiming[];
  readonly builds: readonly FibBuild[];
  /** Resident memory of this process beyond the shared tables, bytes. */
  readonly heapBytes: number;
}

const hopCount = 16;
const repeat = 300_000;

/** Needs root. */
export function benchFib({ rounds = 7 }: { rounds?: number } = {}): FibReport {
  const timings: FibTiming[] = [];
  const builds: FibBuild[] = [];
  const sizes: readonly (readonly [4 | 6, number])[] = [
    [4, 1],
    [4, 10_000],
    [4, 1_000_000],
    [6, 1],
    [6, 200_000],
  ];
  for (const [family, count] of sizes) {
    const netns = `hr-bench-fib-${process.pid}`;
    try {
      prepareNamespace(netns);
      const routes = syntheticRoutes(family, count, hopCount);
      const ifindex = Number(ip(netns, ['-o', 'link', 'show', 'out']).split(':')[0]);
      addKernelRoutes(`/run/netns/${netns}`, kernelRoutes(routes, ifindex));
      using fib = new FibPrograms();
      const hops = Array.from({ length: hopCount }, () => fib.nextHops.allocate());
      for (const [i, number] of hops.entries())
        fib.nextHops.resolve(number, {
          ifindex,
          mtu: 1500,
          destination: Uint8Array.of(2, 0, 0, 0, 1, i),
          source: Uint8Array.of(2, 0, 0, 0, 2, 1),
          vlan_protocol: 0,
          vlan_tag: 0,
        });
      const table = family === 4 ? fib.ipv4 : fib.ipv6;
      const milliseconds = fillTable(table, routes, hops);
      builds.push({ family, routes: count, milliseconds, statistics: table.statistics });
      for (const destinations of count === 1 ? [1] : [1, 2 ** 16, 2 ** 20]) {
        const size = family === 4 ? 4 : 16;
        const probes = coveredAddresses(routes, destinations);
        const ways = ['static', 'mirror', 'helper'] as const;
        const samples = new Map(ways.map((how) => [how, { times: [] as number[], asked: 0 }]));
        for (let round = 0; round < rounds; round++)
          for (const how of ways) {
            const sample = samples.get(how)!;
            inNetns(`/run/netns/${netns}`, () => {
              fib.setProbes(probes, size, ifindex);
              sample.times.push(fib.run(`time_${how}${family}`, repeat));
            });
            sample.asked += fib.asked;
          }
        for (const [how, { times, asked }] of samples) {
          times.sort((a, b) => a - b);
          const median = times[times.length >> 1]!;
          timings.push({ family, routes: count, destinations, how, minimum: times[0]!, median, asked });
        }
      }
    } finally {
      execFileSync('ip', ['netns', 'delete', netns], { stdio: 'ignore' });
    }
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { timings, builds, heapBytes: heapUsed + arrayBuffers };
}

function ip(netns: string, args: readonly string[], input?: string): string {
  return execFileSync('nsenter', [`--net=/run/netns/${netns}`, 'ip', ...args], { encoding: 'utf8', input });
}

function prepareNamespace(netns: string): void {
  execFileSync('ip', ['netns', 'add', netns]);
  const commands = [
    'link add out type veth peer name far',
    'link set out up',
    'link set far up',
    'address add 192.0.2.254/24 dev out',
    'address add fd00::fe/64 dev out nodad',
    ...Array.from({ length: hopCount }, (_, i) => [
      `neighbor add 192.0.2.${i + 1} lladdr 02:00:00:00:01:${hex(i)} dev out nud permanent`,
      `neighbor add fd00::${(i + 1).toString(16)} lladdr 02:00:00:00:01:${hex(i)} dev out nud permanent`,
    ]).flat(),
  ];
  ip(netns, ['-batch', '-'], commands.join('\n'));
  for (const key of ['ipv4.ip_forward', 'ipv6.conf.all.forwarding'])
    execFileSync('nsenter', [`--net=/run/netns/${netns}`, 'sysctl', '-qw', `net.${key}=1`]);
  execFileSync('nsenter', [`--net=/run/netns/${netns}`, 'sysctl', '-qw', 'net.ipv6.route.max_size=2147483647']);
}

/** Of a synthetic table, by the gateways that `prepareNamespace` made. */
function* kernelRoutes(routes: SyntheticRoutes, ifindex: number): Generator<RouteChange> {
  const bytes = (words: Uint32Array): Uint8Array => {
    const view = new DataView(new ArrayBuffer(words.length * 4));
    for (const [i, word] of words.entries()) view.setUint32(i * 4, word);
    return new Uint8Array(view.buffer);
  };
  for (let i = 0; i < routes.lengths.length; i++) {
    const host = routes.hops[i]! + 1;
    yield {
      destination: bytes(routes.addresses.subarray(i * routes.words, (i + 1) * routes.words)),
      prefixLength: routes.lengths[i]!,
      gateway: bytes(routes.words === 1 ? Uint32Array.of(0xc0000200 | host) : Uint32Array.of(0xfd000000, 0, 0, host)),
      ifindex,
    };
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}

/** Measures and prints, as lines or as JSON. */
export function printFib(options: { json: boolean; rounds: number }): void {
  const report = benchFib(options);
  if (options.json) {
    console.log(JSON.stringify(report, undefined, 2));
    return;
  }
  for (const { family, routes, milliseconds, statistics: s } of report.builds)
    console.log(
      `IPv${family}, ${routes} routes: built in ${Math.round(milliseconds)} ms, ${s.groupsUsed} of ${s.groupsCapacity} groups, ` +
        `${s.tableBytes >> 20} MiB shared, ${(s.bookkeepingBytes / 2 ** 20).toFixed(1)} MiB beside`,
    );
  for (const t of report.timings)
    console.log(
      `IPv${t.family}, ${t.routes} routes, ${t.destinations} destinations, ${t.how}: ` +
        `${t.minimum} / ${t.median} ns${t.asked ? ` (${t.asked} unanswered)` : ''}`,
    );
}
