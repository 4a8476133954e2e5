/** A box's state as far as it can be told without its daemon: from what that left pinned. */
import { type InstancePaths, pinnedCounters, pinnedLinks } from '../../controlplane/dataplane/index.ts';
import { formatMac, RouteNetlink } from '../../controlplane/netlink/index.ts';
import { forwardsIpv4 } from '../../controlplane/ports/index.ts';
import { notesOf } from '../daemon/notes.ts';
import { type DaemonStatus, shares } from '../daemon/status.ts';

/** @throws Error when nothing is pinned. */
export function pinnedState(paths: InstancePaths): DaemonStatus {
  const counters = pinnedCounters(paths);
  if (!counters)
    throw Object.assign(
      new Error(`instance "${paths.instance}" is not running and has left nothing: start it with headrace run -c FILE`),
      { code: 'ABSENT' },
    );
  const { forwarded, kernel } = shares(counters);
  using netlink = RouteNetlink.open();
  const attached = new Set(pinnedLinks(paths).map((link) => link.ifindex));
  const ports = netlink
    .links()
    .filter((link) => attached.has(link.index))
    .map((link) => ({
      name: link.name,
      ifindex: link.index,
      mac: formatMac(link.mac),
      mtu: link.mtu,
      up: link.up,
      mode: link.xdp?.mode ?? 'none',
      transmits: false,
      rpFilter: 0,
      kind: link.kind ?? null,
      master: null,
      vlan: null,
      kernel: null,
      switchedOff: [],
      problem: null,
    }));
  return {
    instance: paths.instance,
    running: false,
    pid: null,
    uptimeSeconds: null,
    configFile: null,
    healthy: false,
    problems: ['the daemon is not running: what it attached goes on forwarding, but nothing is followed'],
    notes: notesOf(ports, forwardsIpv4()),
    interfaces: ports,
    forwardedPackets: forwarded,
    kernelPackets: kernel,
    metrics: null,
    parts: {},
    netlink: null,
  };
}
