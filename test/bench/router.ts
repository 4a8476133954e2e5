/** The router's benchmark: a packet's cost in the program, and end to end, against the kernel and the bare helper. */
import os from 'node:os';
import { type EndToEnd, measureEndToEnd } from './end-to-end.ts';
import { measurePacketCost, type PacketCost } from './packet-cost.ts';
import { RouterLab, type Spread } from './router-lab.ts';

export interface RouterBenchOptions {
  readonly json: boolean;
  /** Also with a million routes, which takes minutes to set up. */
  readonly full: boolean;
  readonly rounds: number;
}

interface Scenario<Row> {
  readonly routes: number;
  readonly destinations: Spread;
  readonly rows: readonly Row[];
}

export async function benchRouter(options: RouterBenchOptions): Promise<void> {
  const inProgram: Scenario<PacketCost>[] = [];
  const endToEnd: Scenario<EndToEnd>[] = [];
  using lab = new RouterLab();
  for (const routes of [1, 10_000, ...(options.full ? [1_000_000] : [])]) {
    lab.setRoutes(routes);
    for (const destinations of routes === 1 ? (['hot'] as const) : (['hot', 'random'] as const)) {
      progress(`${routes} routes, ${destinations} destinations`);
      inProgram.push({ routes, destinations, rows: measurePacketCost(lab, destinations, options.rounds, 200_000) });
      endToEnd.push({
        routes,
        destinations,
        rows: await measureEndToEnd(lab, destinations, options.rounds, 100_000),
      });
    }
  }
  const machine = {
    kernel: os.release(),
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cpus: os.cpus().length,
    load: os.loadavg()[0],
    node: process.version,
    rounds: options.rounds,
  };
  if (options.json) {
    console.log(JSON.stringify({ machine, inProgram, endToEnd, ratios: endToEnd.map(ratios) }, undefined, 2));
    return;
  }
  console.log(`Linux ${machine.kernel}, ${machine.cpus} × ${machine.cpu}, load ${machine.load?.toFixed(1)}`);
  for (const scenario of inProgram) {
    console.log(`\nIn the program, ${title(scenario)}: CPU ns a packet`);
    const base = scenario.rows[0]!.ns.min;
    const fib = scenario.rows.find(({ name }) => name.startsWith('fib_lookup'))!.ns.min;
    print([
      ['', 'min', 'median', 'net of harness', '× fib_lookup'],
      ...scenario.rows.map(({ name, ns }) => [
        name,
        ns.min.toFixed(0),
        ns.median.toFixed(0),
        (ns.min - base).toFixed(0),
        (ns.min / fib).toFixed(2),
      ]),
    ]);
  }
  for (const scenario of endToEnd) {
    console.log(`\nVeth to veth on one core, ${title(scenario)}: ns a delivered packet`);
    const found = ratios(scenario);
    print([
      ['', 'min', 'median', 'Mpps', 'lost', '× kernel', 'of medians', '× kernel, net', '× fib_lookup'],
      ...scenario.rows.map(({ name, ns, mpps, lost }, i) => [
        name,
        ns.min.toFixed(0),
        ns.median.toFixed(0),
        mpps.toFixed(2),
        `${(lost * 100).toFixed(1)} %`,
        found.rows[i]!.toKernel.toFixed(2),
        found.rows[i]!.toKernelMedian.toFixed(2),
        i === 0 ? '' : found.rows[i]!.toKernelNet.toFixed(2),
        found.rows[i]!.toFib.toFixed(2),
      ]),
    ]);
  }
  console.log(
    '\n× is how many times as much (in the program) or as fast (veth to veth), from minima; net leaves the generator out.',
  );
}

/** How many times as fast each row is as the kernel and as the bare helper: from minima, and once from medians. */
function ratios({ routes, destinations, rows }: Scenario<EndToEnd>) {
  const find = (start: string) => rows.find(({ name }) => name.startsWith(start))!.ns;
  const ns = (start: string): number => find(start).min;
  const [generator, kernel, fib] = [ns('generator'), ns('kernel'), ns('fib_lookup')];
  return {
    routes,
    destinations,
    rows: rows.map((row) => ({
      name: row.name,
      toKernel: kernel / row.ns.min,
      toKernelMedian: find('kernel').median / row.ns.median,
      toKernelNet: (kernel - generator) / (row.ns.min - generator),
      toFib: fib / row.ns.min,
    })),
  };
}

function title({ routes, destinations }: Scenario<unknown>): string {
  const where = destinations === 'hot' ? 'one hot destination' : '65,536 random destinations';
  return `${routes.toLocaleString('en')} route${routes === 1 ? '' : 's'}, ${where}`;
}

function print(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows)
    console.log(row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '));
}

function progress(text: string): void {
  console.error(`▸ ${text}`);
}
