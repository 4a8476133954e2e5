/** What the configuration says of interfaces, against those there are. */
import { type InstancePaths, pinnedLinks } from '../../controlplane/dataplane/index.ts';
import { RouteNetlink } from '../../controlplane/netlink/index.ts';
import { matchesGlob, refusedInterfaces } from '../../controlplane/ports/index.ts';
import type { Config } from '../config/schema/index.ts';
import { StartError } from './start-error.ts';

/** Names and patterns of the interfaces to attach to. */
export function patternsOf(config: Config): string[] {
  return config.dataplane.interfaces.map((entry) => entry.match);
}

/**
 * Names without a wildcard must exist, and nobody else's program may be on any: said before anything changes.
 * @param known patterns followed already: a program on one of theirs is reported and no reason to refuse the rest
 * @throws StartError
 */
export function checkInterfaces(
  config: Config,
  configFile: string,
  paths: InstancePaths,
  known: readonly string[] = [],
): void {
  using netlink = RouteNetlink.open();
  const links = netlink.links();
  const patterns = patternsOf(config);
  for (const name of patterns)
    if (!/[*?]/.test(name) && !links.some((link) => link.name === name))
      throw new StartError(
        `interface ${name} does not exist: correct dataplane.interfaces in ${configFile}, or write a pattern ("${name}*") to wait for it`,
      );
  const refused = refusedInterfaces(
    links.filter((link) => matchesAny(patterns, link.name) && !matchesAny(known, link.name)),
    new Set(pinnedLinks(paths).map((link) => link.programId)),
  );
  if (refused.length > 0) throw new StartError(refused.join('\n'));
}

function matchesAny(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => matchesGlob(pattern, name));
}
