/**
 * The exporter: collectors are asked when Prometheus asks, and what they say is written in the text format.
 *
 * A box with thousands of backends has a hundred thousand lines. They are written here and not by prom-client, which
 * takes ten times as long, and in slices, so that the daemon's other work goes on between them; collectors of much are
 * generators for the same reason. Scrapes at the same time share one writing. The process's own metrics are
 * prom-client's.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { type CatalogueKey, catalogue, type MetricDefinition } from './catalogue/index.ts';
import type { Collector, Collectors, Steady } from './collector.ts';
import { contentType, headOf, lineOf } from './text-format.ts';

/** How long is written before others get their turn, milliseconds. */
const SLICE_MS = 5;
/** Samples between two looks at the clock. */
const SAMPLES_A_LOOK = 64;

/** A metric and where its samples come from. */
export interface Family {
  readonly definition: MetricDefinition;
  readonly collect: Collector;
}

interface Written extends Family {
  /** Lines of what is steady. */
  readonly kept: WeakMap<object, string>;
}

export class Exporter {
  readonly contentType = contentType;
  readonly #families: readonly Written[];
  readonly #registry: Registry | undefined;
  #writing: Promise<readonly Buffer[]> | undefined;

  /** @param registry whose metrics come last. */
  constructor(families: readonly Family[], registry?: Registry) {
    this.#families = families.map((family) => ({ ...family, kept: new WeakMap() }));
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
    const pause = async (): Promise<void> => {
      pieces.push(encoded(text));
      text = '';
      await nextTurn();
      until = performance.now() + SLICE_MS;
    };
    for (const { definition, collect, kept } of this.#families) {
      if (performance.now() >= until) await pause();
      const found = collect();
      const samples = found instanceof Promise ? await found : found;
      text += headOf(definition);
      for (const sample of samples) {
        text += 'while' in sample ? steadyLines(definition.name, sample, kept) : lineOf(definition.name, sample);
        if (++written % SAMPLES_A_LOOK === 0 && performance.now() >= until) await pause();
      }
    }
    if (this.#registry) {
      await pause();
      text += await this.#registry.metrics();
    }
    pieces.push(encoded(text));
    return pieces;
  }
}

/** Names are ASCII nearly always, and Node writes that as it lies there, but UTF-8 letter by letter. */
function encoded(text: string): Buffer {
  return Buffer.from(text, /[\u0080-\uffff]/.test(text) ? 'utf8' : 'latin1');
}

function steadyLines(name: string, steady: Steady, kept: WeakMap<object, string>): string {
  let text = kept.get(steady.while);
  if (text === undefined) {
    // Joined and not added up: what is kept shall be one piece of memory.
    text = Array.from(steady.samples(), (sample) => lineOf(name, sample)).join('');
    kept.set(steady.while, text);
  }
  return text;
}

/**
 * The catalogue's metrics, in its order, which is that of the page; what nobody collects is left out.
 * @param backends whether there are series of single backends
 */
export function createMetrics(collectors: Collectors, backends: 'full' | 'off' = 'full'): Exporter {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'headrace_' });
  const families = (Object.keys(catalogue) as CatalogueKey[]).flatMap((key) => {
    const definition: MetricDefinition = catalogue[key];
    const collect = collectors[key];
    return collect && (backends === 'full' || !definition.labels.includes('backend')) ? [{ definition, collect }] : [];
  });
  return new Exporter(families, registry);
}
