/** Metric names by their key in the catalogue: an expression that names a metric that is not there does not compile. */
import { type CatalogueKey, catalogue } from '../catalogue/index.ts';

export const metric = Object.fromEntries(Object.entries(catalogue).map(([key, { name }]) => [key, name])) as Readonly<
  Record<CatalogueKey, string>
>;
