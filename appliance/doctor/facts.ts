/**
 * What the doctor looks at, as plain data: gathered from a machine once (gather.ts), or recorded and read again in a
 * test. Checks see nothing else. `null` always means "could not be learned", never "none".
 */
import type { Cause } from '../../controlplane/firewall/index.ts';
import type { Channels, Rings } from '../../controlplane/ports/ethtool.ts';

export interface InterfaceFacts {
  readonly name: string;
  readonly ifindex: number;
  /** `veth`, `vlan`, `bridge`, …; null for plain devices. */
  readonly kind: string | null;
  readonly driver: string | null;
  readonly mtu: number;
  readonly up: boolean;
  /** Has carrier and may be used. */
  readonly running: boolean;
  readonly xdp: { readonly mode: string; readonly programId: number } | null;
  /** From the kernel's netdev family (Linux 6.3). */
  readonly xdpFeatures: { readonly basic: boolean; readonly ndoXmit: boolean; readonly ndoXmitSg: boolean } | null;
  readonly channels: Channels | null;
  readonly rings: Rings | null;
  /** By the kernel's names: `rx-lro`, `rx-gro`, `rx-vlan-hw-parse`, … */
  readonly offloads: Readonly<Record<string, boolean>> | null;
  /** Receive packet steering, a CPU mask for each receive queue; null where /sys is not this namespace's. */
  readonly rpsMasks: readonly string[] | null;
  /** Interrupts of the device and the CPUs each may go to. */
  readonly interrupts: readonly { readonly number: number; readonly cpus: readonly number[] }[] | null;
}

/** A rule of the operator's that packets of an interface would meet in the kernel. */
export interface ClaimFacts {
  readonly interface: string;
  readonly direction: 'in' | 'out';
  readonly cause: Cause;
  readonly where: string;
  /** The configuration says `netfilter: bypass`. */
  readonly bypassed: boolean;
}

export interface DaemonFacts {
  readonly pid: number | null;
  readonly healthy: boolean;
  readonly problems: readonly string[];
  readonly user: number | null;
  /** Of its cgroup; null when there is no limit. */
  readonly memoryLimitBytes: number | null;
  readonly memoryUsedBytes: number | null;
}

export interface Facts {
  readonly kernel: { readonly release: string; readonly btf: boolean };
  readonly cpus: readonly number[];
  /** By dotted name; null when the kernel does not have it or it may not be read. */
  readonly sysctls: Readonly<Record<string, string | null>>;
  /** Distinct CPU frequency governors; empty where the kernel sets no frequency. */
  readonly governors: readonly string[];
  /** Of /sys/devices/system/cpu/vulnerabilities; empty when they may not be read. */
  readonly vulnerabilities: Readonly<Record<string, string>>;
  readonly clocksource: string | null;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
  readonly irqbalance: boolean | null;
  readonly neighbors: { readonly ipv4: number; readonly ipv6: number } | null;
  readonly routes: { readonly ipv4: number; readonly ipv6: number } | null;
  /** Where pins are kept; null when nothing is mounted there. */
  readonly bpffs: { readonly path: string; readonly mode: number; readonly owner: number } | null;
  /** null when none answers. */
  readonly daemon: DaemonFacts | null;
  /** Programs of this instance's pinned links. */
  readonly ownPrograms: readonly number[];
  readonly allowGeneric: boolean;
  /** null when the rules could not be read. */
  readonly firewall: readonly ClaimFacts[] | null;
  readonly interfaces: readonly InterfaceFacts[];
}
