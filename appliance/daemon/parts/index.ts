/** The daemon's parts, in the order they start. */
import type { Features } from '../../../controlplane/dataplane/index.ts';
import type { Config } from '../../config/schema/index.ts';
import type { Part, PartContext, PartDefinition } from '../part.ts';
import { announcePart } from './announce.ts';
import { balancerPart } from './balancer.ts';
import { checkPathPart } from './check-path.ts';
import { fib } from './fib.ts';
import { firewallPart } from './firewall.ts';
import { healthPart } from './health.ts';
import { live } from './live.ts';
import { lossesPart } from './losses.ts';
import { neighborsPart } from './neighbors.ts';
import { tapPart } from './tap.ts';

const definitions: readonly PartDefinition[] = [
  // A line each.
  fib,
  firewallPart,
  neighborsPart,
  tapPart,
  lossesPart,
  // The balancer's part comes between checks and announcements: it asks the former, and the latter ask it.
  healthPart,
  balancerPart,
  checkPathPart,
  announcePart,
  live,
];

export function createParts(context: PartContext): readonly Part[] {
  return definitions.map(({ create }) => create(context));
}

/** The packet path's constants, of all parts. */
export function featuresOf(config: Config): Features {
  return Object.assign({}, ...definitions.map(({ features }) => features?.(config) ?? {})) as Features;
}
