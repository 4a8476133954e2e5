/**
 * `/metrics/compat`: what Headrace knows, under the names of exporters that dashboards exist for. Odd as some of them
 * are (gauges that end in `_total`), they are theirs. What is not known is left out, never told as zero.
 */
import { type CollectorFailed, Exporter } from '../exporter.ts';
import { birdFamilies } from './bird.ts';
import { frrFamilies } from './frr.ts';
import { ipvsFamilies } from './ipvs.ts';
import type { CompatSources } from './sources.ts';

export type { CompatSources } from './sources.ts';

const families = { bird: birdFamilies, frr: frrFamilies, ipvs: ipvsFamilies } as const;

export type CompatName = keyof typeof families;
export const compatNames = Object.keys(families) as readonly CompatName[];

export function compatExporter(
  names: readonly CompatName[],
  sources: CompatSources,
  failed?: CollectorFailed,
): Exporter {
  const all = [...new Set(names)].flatMap((name) => families[name](sources));
  return new Exporter(all, undefined, failed);
}
