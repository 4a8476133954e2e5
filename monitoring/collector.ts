/** Where the values of metrics come from: asked anew at every scrape. */
import type { CatalogueKey } from './catalogue/index.ts';
import type { Sample } from './counter-samples.ts';
import type { Column } from './table.ts';

export type Collector = () => Iterable<Sample | Column> | Promise<Iterable<Sample | Column>>;

/** Collectors by catalogue key. A metric nobody collects is not exported. */
export type Collectors = Readonly<Partial<Record<CatalogueKey, Collector>>>;
