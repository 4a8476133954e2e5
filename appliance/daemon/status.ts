/** The answer to "is all well?", for people and programs. */
import type { CounterRow } from '../../controlplane/dataplane/index.ts';
import { formatMac } from '../../controlplane/netlink/index.ts';
import type { PortState } from '../../controlplane/ports/index.ts';

export interface InterfaceStatus {
  readonly name: string;
  readonly ifindex: number;
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
  readonly mode: string;
  readonly transmits: boolean;
  readonly rpFilter: number;
  readonly problem: string | null;
}

export interface DaemonStatus {
  readonly instance: string;
  readonly running: boolean;
  readonly pid: number | null;
  readonly uptimeSeconds: number | null;
  readonly configFile: string | null;
  /** Everything matching is attached. */
  readonly healthy: boolean;
  readonly problems: readonly string[];
  /** What works as configured and should be known. */
  readonly notes: readonly string[];
  readonly interfaces: readonly InterfaceStatus[];
  readonly forwardedPackets: number;
  readonly kernelPackets: number;
  readonly metrics: string | null;
  /** What each part of the daemon says of itself, by its name. */
  readonly parts: Readonly<Record<string, unknown>>;
  readonly netlink: { readonly events: number; readonly overruns: number; readonly resyncs: number } | null;
}

export interface StatusSources {
  readonly instance: string;
  readonly startedAt: number;
  readonly configFile: string;
  readonly ports: readonly PortState[];
  readonly notes: readonly string[];
  /** Of the parts; those of the interfaces are found here. */
  readonly problems: readonly string[];
  readonly parts: Readonly<Record<string, unknown>>;
  readonly counters: readonly CounterRow[];
  readonly metrics: string | undefined;
  readonly netlink: { readonly events: number; readonly overruns: number; readonly resyncs: number };
}

/** Packets by who handled them. */
export function shares(counters: readonly CounterRow[]): { readonly forwarded: number; readonly kernel: number } {
  const sum = (keep: (row: CounterRow) => boolean): number =>
    Number(counters.filter(keep).reduce((total, row) => total + row.packets, 0n));
  return { forwarded: sum((row) => row.reason === 'forwarded'), kernel: sum((row) => row.verdict === 'pass') };
}

export function statusOf(sources: StatusSources): DaemonStatus {
  const problems = sources.ports.flatMap((port) => (port.problem ? [`${port.name}: ${port.problem}`] : []));
  if (sources.ports.length === 0) problems.push('no interface matches dataplane.interfaces yet');
  problems.push(...sources.problems);
  const { forwarded, kernel } = shares(sources.counters);
  return {
    instance: sources.instance,
    running: true,
    pid: process.pid,
    uptimeSeconds: Math.round((Date.now() - sources.startedAt) / 1000),
    configFile: sources.configFile,
    healthy: problems.length === 0,
    problems,
    notes: [...sources.notes],
    interfaces: sources.ports.map((port) => ({
      name: port.name,
      ifindex: port.ifindex,
      mac: formatMac(port.mac),
      mtu: port.mtu,
      up: port.up,
      mode: port.mode,
      transmits: port.transmits,
      rpFilter: port.rpFilter,
      problem: port.problem ?? null,
    })),
    forwardedPackets: forwarded,
    kernelPackets: kernel,
    metrics: sources.metrics ?? null,
    parts: sources.parts,
    netlink: { ...sources.netlink },
  };
}
