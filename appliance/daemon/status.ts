/** The answer to "is all well?", for people and programs. */
import type { CounterRow } from '../../controlplane/dataplane/index.ts';
import { formatMac } from '../../controlplane/netlink/index.ts';
import type { PortState } from '../../controlplane/ports/index.ts';
import type { Part } from './part.ts';

export interface InterfaceStatus {
  readonly name: string;
  readonly ifindex: number;
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
  readonly mode: string;
  readonly transmits: boolean;
  readonly rpFilter: number;
  /** `veth`, `vlan`, `bond`, …; null for plain devices. */
  readonly kind: string | null;
  /** The bridge, bond or VRF it belongs to. */
  readonly master: string | null;
  /** Of a VLAN interface: the port that bears its tags, and both in words. */
  readonly vlan: { readonly port: string; readonly text: string } | null;
  /** Why all or some of its packets are left to the kernel. */
  readonly kernel: string | null;
  /** Offloads that were switched off for it since the daemon started, by the kernel's names. */
  readonly switchedOff: readonly string[];
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

/** What is wrong, and what should be known. */
export type Troubles = Pick<DaemonStatus, 'healthy' | 'problems' | 'notes'>;

/** How the box is, without what must be counted for it. */
export type Whole = Pick<DaemonStatus, 'healthy' | 'problems' | 'notes' | 'parts'>;

export interface StatusSources {
  readonly instance: string;
  readonly startedAt: number;
  readonly configFile: string;
  readonly ports: readonly PortState[];
  readonly whole: Whole;
  readonly counters: readonly CounterRow[];
  readonly metrics: string | undefined;
  readonly netlink: { readonly events: number; readonly overruns: number; readonly resyncs: number };
}

/** Packets by who handled them. */
export function shares(counters: readonly CounterRow[]): { readonly forwarded: number; readonly kernel: number } {
  const sum = (keep: (row: CounterRow) => boolean): number =>
    Number(counters.filter(keep).reduce((total, row) => total + row.packets, 0n));
  return {
    forwarded: sum((row) => row.verdict === 'tx' || row.verdict === 'redirect'),
    kernel: sum((row) => row.verdict === 'pass'),
  };
}

/**
 * @param own notes of the daemon itself
 * @param failed what went wrong in it
 * @param parts those that were started
 */
export function troublesOf(
  own: readonly string[],
  failed: readonly string[],
  ports: readonly PortState[],
  parts: readonly Part[],
): Troubles {
  const problems = ports.flatMap((port) => (port.problem ? [`${port.name}: ${port.problem}`] : []));
  problems.push(...failed);
  if (ports.length === 0) problems.push('no interface matches dataplane.interfaces yet');
  problems.push(...parts.flatMap((part) => part.problems?.() ?? []));
  const notes = [...own, ...parts.flatMap((part) => part.notes?.() ?? [])];
  return { healthy: problems.length === 0, problems, notes };
}

export function statusOf(sources: StatusSources): DaemonStatus {
  const { forwarded, kernel } = shares(sources.counters);
  return {
    instance: sources.instance,
    running: true,
    pid: process.pid,
    uptimeSeconds: Math.round((Date.now() - sources.startedAt) / 1000),
    configFile: sources.configFile,
    healthy: sources.whole.healthy,
    problems: sources.whole.problems,
    notes: sources.whole.notes,
    interfaces: sources.ports.map((port) => ({
      name: port.name,
      ifindex: port.ifindex,
      mac: formatMac(port.mac),
      mtu: port.mtu,
      up: port.up,
      mode: port.mode,
      transmits: port.transmits,
      rpFilter: port.rpFilter,
      kind: port.kind ?? null,
      master: port.master ?? null,
      vlan: port.vlan ?? null,
      kernel: port.kernel ?? null,
      switchedOff: port.switchedOff,
      problem: port.problem ?? null,
    })),
    forwardedPackets: forwarded,
    kernelPackets: kernel,
    metrics: sources.metrics ?? null,
    parts: sources.whole.parts,
    netlink: { ...sources.netlink },
  };
}
