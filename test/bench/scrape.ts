/**
 * A scrape of thousands of backends, and a look of the live views at them: how long each takes, and how long it keeps
 * the event loop from anything else at a stretch.
 *
 * Before each, every backend has had more packets and another check. Who scrapes is a process of its own, and its clock
 * counts. The longest stretch is seen from a chain of turns beside the work. What others take from this process lengthens
 * stretches, so their minimum over the rounds says what is ours.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MetricsServer } from '../../appliance/daemon/metrics-server.ts';
import { reportBackends, reportServices } from '../../controlplane/balancer/report.ts';
import { balancerCollectors, createMetrics, type HealthSource, healthCollectors } from '../../monitoring/index.ts';
import { ScrapeBox } from './scrape-box.ts';
import { Scraper } from './scraper.ts';
import { type Samples, summarize } from './statistics.ts';

const PORT = 9471;

interface ScrapeOptions {
  readonly json: boolean;
  readonly services: number;
  readonly backends: number;
  readonly rounds: number;
}

interface Row {
  readonly name: string;
  readonly totalMs: Samples;
  /** Of this process: what is left of the total when nobody else runs. */
  readonly cpuMs: Samples;
  /** Longest stretch of a round. */
  readonly stretchMs: Samples;
}

/** Runs `work` beside a chain of turns. A time it returns is taken instead of ours. */
async function timed(work: () => unknown): Promise<{ total: number; cpu: number; stretch: number }> {
  let stretch = 0;
  let done = false;
  const watch = async (): Promise<void> => {
    for (let last = performance.now(); !done; ) {
      await nextTurn();
      const now = performance.now();
      stretch = Math.max(stretch, now - last);
      last = now;
    }
  };
  const watching = watch();
  await nextTurn();
  stretch = 0;
  const start = performance.now();
  const cpuStart = process.cpuUsage();
  const told = await work();
  const total = typeof told === 'number' ? told : performance.now() - start;
  const { user, system } = process.cpuUsage(cpuStart);
  await nextTurn();
  done = true;
  await watching;
  return { total, cpu: (user + system) / 1000, stretch };
}

async function measure(name: string, rounds: number, prepare: () => void, work: () => unknown): Promise<Row> {
  const found = [];
  for (let round = 0; round < rounds; round++) {
    prepare();
    found.push(await timed(work));
  }
  return {
    name,
    totalMs: summarize(found.map(({ total }) => total)),
    cpuMs: summarize(found.map(({ cpu }) => cpu)),
    stretchMs: summarize(found.map(({ stretch }) => stretch)),
  };
}

export async function benchScrape({ json, services, backends, rounds }: ScrapeOptions): Promise<void> {
  using box = await ScrapeBox.make(services, backends);
  const { balancer, memory, monitor } = box;
  let looks = 0;
  const health: HealthSource = {
    histograms: monitor.histograms,
    schedule: monitor.schedule,
    // Every check has had one more success.
    report: () => {
      const report = monitor.report();
      for (const { counts } of report) (counts as { success: number }).success += looks;
      return report;
    },
  };
  const metrics = createMetrics({
    ...balancerCollectors(() => box),
    ...healthCollectors(health, () => balancer.spec.pools.map(({ name }) => name)),
  });
  const onward = (): void => {
    looks++;
    box.carry(looks);
  };
  const text = await metrics.metrics();
  const server = new MetricsServer(new Map([['/metrics', metrics]]), `127.0.0.1:${PORT}`, []);
  await server.listen();
  const scraper = new Scraper(`http://${server.address}/metrics`);
  const rows: Row[] = [];
  try {
    await scraper.scrape();
    rows.push(
      await measure('scrape over HTTP', rounds, onward, () => scraper.scrape()),
      await measure('writing alone', rounds, onward, () => metrics.scrape()),
      await measure('reports of the live views', rounds, onward, () => [
        reportServices(balancer, memory),
        reportBackends(balancer, memory),
      ]),
    );
  } finally {
    scraper.close();
    server.close();
  }
  const size = { backends: services * backends, lines: text.split('\n').length, bytes: text.length };
  if (json) {
    console.log(JSON.stringify({ ...size, rows }, undefined, 2));
    return;
  }
  console.log(`${size.backends} backends of ${services} services: ${size.lines} lines, ${size.bytes} bytes`);
  const columns = ['total', 'CPU', 'longest stretch'].flatMap((name) => [`${name}, min`, 'median']);
  console.log(`${'ms'.padEnd(26)}  ${columns.join('  ')}`);
  for (const { name, totalMs, cpuMs, stretchMs } of rows) {
    const cells = [totalMs, cpuMs, stretchMs].flatMap(({ min, median }) => [min, median]);
    const padded = cells.map((cell, i) => cell.toFixed(1).padStart(columns[i]!.length));
    console.log(`${name.padEnd(26)}  ${padded.join('  ')}`);
  }
}
