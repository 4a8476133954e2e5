/** What the check of a bird.conf has to know of the box: its policy rules, its VRFs, and what Headrace announces. */
import { existsSync } from 'node:fs';
import { type Link, RouteNetlink, type Rule } from '../../controlplane/netlink/index.ts';
import type { AdviceContext } from '../../controlplane/routing/bird/advice.ts';
import type { Config } from '../config/schema/index.ts';

/** Where packages and BIRD's own build look for it. */
const usualFiles = ['/etc/bird/bird.conf', '/etc/bird.conf', '/usr/local/etc/bird.conf'];

/** This box's bird.conf, if BIRD is in use: its control socket is there, or VIPs are announced by it. */
export function usualBirdFile(
  config: Pick<Config, 'announce' | 'daemons'> | undefined,
  exists: (path: string) => boolean = existsSync,
): string | undefined {
  const inUse = config?.announce?.verify?.daemon === 'bird' || exists(config?.daemons.bird ?? '/run/bird/bird.ctl');
  return inUse ? usualFiles.find((file) => exists(file)) : undefined;
}

/** Kernel tables that rules select, by family; a VRF's rule selects the tables of all VRFs. */
export function selectedTables(
  rules: readonly Rule[],
  links: readonly Pick<Link, 'vrfTable'>[],
): NonNullable<AdviceContext['selectedTables']> {
  const ofVrfs = links.flatMap(({ vrfTable }) => (vrfTable === undefined ? [] : [vrfTable]));
  const of = (family: 4 | 6): Set<number> =>
    new Set(
      rules
        .filter((rule) => rule.family === family && rule.action === 'table')
        .flatMap((rule) => (rule.l3mdev ? ofVrfs : [rule.table])),
    );
  return { ipv4: of(4), ipv6: of(6) };
}

/** What is announced, as far as BIRD has to read it. */
export function announced(config: Pick<Config, 'announce' | 'services'> | undefined): AdviceContext {
  const announce = config?.announce;
  if (!config || !announce || announce.verify?.daemon === 'frr') return {};
  const vips = Object.values(config.services).flatMap(({ frontends }) => frontends.flatMap(({ vip }) => vip));
  const families = new Set<'ipv4' | 'ipv6'>(vips.map((vip) => (vip.includes(':') ? 'ipv6' : 'ipv4')));
  return { announcementTable: announce.table, ...(families.size > 0 ? { announcementFamilies: families } : {}) };
}

/** All of it. Rules that cannot be read are left out, and then not judged. */
export function birdContext(config: Config | undefined): AdviceContext {
  try {
    using netlink = RouteNetlink.open();
    return { ...announced(config), selectedTables: selectedTables(netlink.rules(), netlink.links()) };
  } catch {
    return announced(config);
  }
}
