/** Gathers every fact of this machine, changing nothing. What cannot be learned is null: no fact is worth an error. */
import { existsSync, statSync } from 'node:fs';
import { isBpffs } from '../../../controlplane/bpf/index.ts';
import { type InstancePaths, pinnedLinks } from '../../../controlplane/dataplane/index.ts';
import { Netdev, RouteNetlink } from '../../../controlplane/netlink/index.ts';
import { matchesGlob } from '../../../controlplane/ports/index.ts';
import type { DaemonStatus } from '../../daemon/status.ts';
import type { Facts } from '../facts.ts';
import { daemonFacts } from './daemon.ts';
import { firewallFacts } from './firewall.ts';
import { interfaceFacts } from './interface.ts';
import { machine, sysctls } from './machine.ts';

export interface GatherOptions {
  readonly paths: InstancePaths;
  /** Interfaces to look at: names or patterns. Without, every one that could be a port. */
  readonly patterns: readonly string[] | undefined;
  readonly allowGeneric: boolean;
  /** Whether `netfilter: bypass` is configured for an interface. */
  readonly bypassesNetfilter: (name: string) => boolean;
  /** What the daemon answered; undefined when none did. */
  readonly status: DaemonStatus | undefined;
}

const ARPHRD_ETHER = 1;

export async function gather({
  paths,
  patterns,
  allowGeneric,
  bypassesNetfilter,
  status,
}: GatherOptions): Promise<Facts> {
  using netlink = RouteNetlink.open();
  using netdev = Netdev.open();
  const features = netdev?.allXdpFeatures();
  const everyLink = netlink.links();
  const links = everyLink.filter((link) =>
    patterns
      ? patterns.some((pattern) => matchesGlob(pattern, link.name))
      : !link.loopback && link.type === ARPHRD_ETHER && link.kind !== 'dummy' && link.kind !== 'ifb',
  );
  const neighbors = tried(() => netlink.neighbors());
  return {
    ...machine(),
    sysctls: sysctls(links.map((link) => link.name)),
    neighbors: neighbors && {
      ipv4: neighbors.filter(({ family }) => family === 4).length,
      ipv6: neighbors.filter(({ family }) => family === 6).length,
    },
    routes: await routes(netlink),
    bpffs: tried(() => bpffs(paths.bpffs)),
    daemon: status ? daemonFacts(status) : null,
    ownPrograms: existsSync(paths.links)
      ? (tried(() => pinnedLinks(paths).map(({ programId }) => programId)) ?? [])
      : [],
    allowGeneric,
    firewall: tried(() => firewallFacts(links, everyLink, bypassesNetfilter)),
    interfaces: links.map((link) => interfaceFacts(link, features?.get(link.index))),
  };
}

function bpffs(path: string): Facts['bpffs'] {
  if (!isBpffs(path)) return null;
  const { mode, uid } = statSync(path);
  return { path, mode: mode & 0o7777, owner: uid };
}

async function routes(netlink: RouteNetlink): Promise<Facts['routes']> {
  try {
    const counted = await netlink.countRoutes(({ family }) => String(family));
    return { ipv4: counted.get('4') ?? 0, ipv6: counted.get('6') ?? 0 };
  } catch {
    return null;
  }
}

function tried<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
