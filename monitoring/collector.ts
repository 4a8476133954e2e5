/** Where the values of metrics come from: asked anew at every scrape. */
import type { CatalogueKey } from './catalogue/index.ts';
import type { Sample } from './counter-samples.ts';

/** Samples that stay as they are for as long as `while` is the same object: written once, and kept. */
export interface Steady {
  readonly while: object;
  readonly samples: () => Iterable<Sample>;
}

export type Collector = () => Iterable<Sample | Steady> | Promise<Iterable<Sample | Steady>>;

/** Collectors by catalogue key. A metric nobody collects is not exported. */
export type Collectors = Readonly<Partial<Record<CatalogueKey, Collector>>>;
