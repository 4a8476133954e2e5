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

interface Written extends Family {
  readonly columns: WeakMap<Table, WrittenColumn>;
}

export class Exporter {
  readonly contentType = contentType;
  readonly #families: readonly Written[];
  readonly #registry: Registry | undefined;
  #writing: Promise<readonly Buffer[]> | undefined;

  /** @param registry whose metrics come last. */
  constructor(families: readonly Family[], registry?: Registry) {
    this.#families = families.map((family) => ({ ...family, columns: new WeakMap() }));
    this.#registry = registry;
  }

  /** All there is to tell, in pieces. Rejects when a collector does. */
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
export function createMetrics(collectors: Collectors, backends: 'full' | 'off' = 'full'): Exporter {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'headrace_', eventLoopMonitoringPrecision: LOOP_SAMPLE_MS });
  const families = (Object.keys(catalogue) as CatalogueKey[]).flatMap((key) => {
    const definition: MetricDefinition = catalogue[key];
    const collect = collectors[key];
    return collect && (backends === 'full' || !definition.labels.includes('backend')) ? [{ definition, collect }] : [];
  });
  return new Exporter(families, registry);
}
