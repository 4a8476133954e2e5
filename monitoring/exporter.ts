/**
 * The exporter: collectors are asked when Prometheus asks, and what they say is written in the text format.
 *
 * A box with thousands of backends has a hundred thousand lines. They are written here and not by prom-client, which
 * takes ten times as long, and in slices, so that the daemon's other work goes on between them; collectors of much are
 * generators for the same reason, or give columns (table.ts), of which only what has changed is written again. Scrapes at
 * the same time share one writing. The process's own metrics are prom-client's.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { type CatalogueKey, catalogue, type MetricDefinition } from './catalogue/index.ts';
import type { Collector, Collectors } from './collector.ts';
import { type Table, WrittenColumn } from './table.ts';
import { contentType, encoded, headOf, lineOf } from './text-format.ts';

/** How long is written before others get their turn, milliseconds. */
const SLICE_MS = 5;
/** Samples between two looks at the clock. */
const SAMPLES_A_LOOK = 64;

/** How often the delay of the event loop is sampled: every wake-up is a cost while the box is idle. */
const LOOP_SAMPLE_MS = 100;

/** A metric and where its samples come from. */
export interface Family {
  readonly definition: MetricDefinition;
  readonly collect: Collector;
}

/** What is told of a metric that could not be collected. */
export type CollectorFailed = (metric: string, error: Error) => void;

interface Written extends Family {
  readonly columns: WeakMap<Table, WrittenColumn>;
}

export class Exporter {
  readonly contentType = contentType;
  readonly #families: readonly Written[];
  readonly #registry: Registry | undefined;
  readonly #failed: CollectorFailed | undefined;
  #writing: Promise<readonly Buffer[]> | undefined;

  /**
   * @param registry whose metrics come last
   * @param failed is told of a metric that is left out; without it, a scrape rejects
   */
  constructor(families: readonly Family[], registry?: Registry, failed?: CollectorFailed) {
    this.#families = families.map((family) => ({ ...family, columns: new WeakMap() }));
    this.#registry = registry;
    this.#failed = failed;
  }

  /** All there is to tell, in pieces. One that cannot be collected takes none of the others with it. */
  scrape(): Promise<readonly Buffer[]> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** The same as text. */
  async metrics(): Promise<string> {
    return Buffer.concat(await this.scrape()).toString();
  }

  async #write(): Promise<readonly Buffer[]> {
    const pieces: Buffer[] = [];
    let text = '';
    let written = 0;
    let until = performance.now() + SLICE_MS;
    const flush = (): void => {
      if (text !== '') pieces.push(encoded(text));
      text = '';
    };
    const pause = async (): Promise<void> => {
      flush();
      await nextTurn();
      until = performance.now() + SLICE_MS;
    };
    for (const { definition, collect, columns } of this.#families) {
      if (performance.now() >= until) await pause();
      try {
        const found = collect();
        const samples = found instanceof Promise ? await found : found;
        text += headOf(definition);
        for (const sample of samples) {
          if ('table' in sample) {
            flush();
            for (const block of writtenOf(columns, definition.name, sample.table).write(sample)) {
              pieces.push(block);
              if (performance.now() >= until) await pause();
            }
            continue;
          }
          text += lineOf(definition.name, sample);
          if (++written % SAMPLES_A_LOOK === 0 && performance.now() >= until) await pause();
        }
      } catch (error) {
        if (!this.#failed) throw error;
        this.#failed(definition.name, error instanceof Error ? error : new Error(String(error)));
      }
    }
    if (this.#registry) {
      await pause();
      text += await this.#registry.metrics();
    }
    flush();
    return pieces;
  }
}

function writtenOf(columns: WeakMap<Table, WrittenColumn>, name: string, table: Table): WrittenColumn {
  let found = columns.get(table);
  if (!found) {
    found = new WrittenColumn(name);
    columns.set(table, found);
  }
  return found;
}

/**
 * The catalogue's metrics, in its order, which is that of the page; what nobody collects is left out.
 * @param backends whether there are series of single backends
 */
export function createMetrics(
  collectors: Collectors,
  backends: 'full' | 'off' = 'full',
  failed?: CollectorFailed,
): Exporter {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'headrace_', eventLoopMonitoringPrecision: LOOP_SAMPLE_MS });
  // Gauges under names of counters, which tell nothing that the others do not.
  for (const what of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`headrace_nodejs_active_${what}_total`);
  const errors = new Map<string, number>();
  // Those that ever failed: a series for each of the others would say nothing.
  const names = (): Iterable<string> => errors.keys();
  const count: CollectorFailed = (metric, error) => {
    errors.set(metric, (errors.get(metric) ?? 0) + 1);
    failed?.(metric, error);
  };
  const families = (Object.keys(catalogue) as CatalogueKey[]).flatMap((key) => {
    const definition: MetricDefinition = catalogue[key];
    const collect =
      key === 'collectorErrors'
        ? () => [...names()].map((metric) => ({ labels: { metric }, value: errors.get(metric) ?? 0 }))
        : collectors[key];
    return collect && (backends === 'full' || !definition.labels.includes('backend')) ? [{ definition, collect }] : [];
  });
  return new Exporter(families, registry, count);
}
