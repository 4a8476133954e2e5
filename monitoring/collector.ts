/** Where the values of metrics come from: asked anew at every scrape. */
import type { CatalogueKey } from './catalogue/index.ts';
import type { Sample } from './counter-samples.ts';

export type Collector = () => Iterable<Sample> | Promise<Iterable<Sample>>;

/** Collectors by catalogue key. A metric nobody collects is not exported. */
export type Collectors = Readonly<Partial<Record<CatalogueKey, Collector>>>;
