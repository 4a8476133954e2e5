/** Facts of the machine: kernel, CPUs, clock, memory, sysctls. */
import { existsSync } from 'node:fs';
import os from 'node:os';
import type { Facts } from '../facts.ts';
import { cpuList, namesIn, textOf } from './files.ts';

const cpuFolder = '/sys/devices/system/cpu';

/** Sysctls of the whole network namespace or machine that a check reads. */
const names = [
  'kernel.unprivileged_bpf_disabled',
  'net.core.bpf_jit_enable',
  'net.core.bpf_jit_harden',
  'net.ipv4.conf.all.rp_filter',
  'net.ipv4.fib_multipath_hash_policy',
  'net.ipv4.ip_forward',
  'net.ipv4.ip_forward_use_pmtu',
  'net.ipv4.neigh.default.gc_thresh3',
  'net.ipv6.conf.all.forwarding',
  'net.ipv6.fib_multipath_hash_policy',
  'net.ipv6.neigh.default.gc_thresh3',
];

/** Of each interface. */
const ownNames = [
  ['ipv4', 'rp_filter'],
  ['ipv4', 'ignore_routes_with_linkdown'],
  ['ipv6', 'ignore_routes_with_linkdown'],
] as const;

/** @param interfaces whose own settings are wanted too */
export function sysctls(interfaces: readonly string[]): Facts['sysctls'] {
  const common = names.map((name) => [name, textOf(`/proc/sys/${name.replaceAll('.', '/')}`)] as const);
  // A name may contain dots, so the path is not made from the key.
  const own = interfaces.flatMap((name) =>
    ownNames.map(
      ([family, key]) =>
        [`net.${family}.conf.${name}.${key}`, textOf(`/proc/sys/net/${family}/conf/${name}/${key}`)] as const,
    ),
  );
  return Object.fromEntries([...common, ...own]);
}

export function machine(): Pick<
  Facts,
  'kernel' | 'cpus' | 'governors' | 'vulnerabilities' | 'clocksource' | 'memory' | 'irqbalance'
> {
  const cpus = cpuList(textOf(`${cpuFolder}/online`) ?? `0-${os.cpus().length - 1}`);
  const governors = cpus.flatMap((cpu) => textOf(`${cpuFolder}/cpu${cpu}/cpufreq/scaling_governor`) ?? []);
  return {
    kernel: { release: os.release(), btf: existsSync('/sys/kernel/btf/vmlinux') },
    cpus,
    governors: [...new Set(governors)],
    vulnerabilities: Object.fromEntries(
      namesIn(`${cpuFolder}/vulnerabilities`).map((name) => [
        name,
        textOf(`${cpuFolder}/vulnerabilities/${name}`) ?? '',
      ]),
    ),
    clocksource: textOf('/sys/devices/system/clocksource/clocksource0/current_clocksource'),
    memory: { totalBytes: os.totalmem(), availableBytes: availableBytes() },
    irqbalance: runs('irqbalance'),
  };
}

function availableBytes(): number {
  const kib = /^MemAvailable:\s+(\d+)/m.exec(textOf('/proc/meminfo') ?? '')?.[1];
  return kib === undefined ? os.freemem() : Number(kib) * 1024;
}

/** Does a process of this name run? Null when /proc shows only one's own (hidepid). */
function runs(name: string): boolean | null {
  const pids = namesIn('/proc').filter((entry) => /^\d+$/.test(entry));
  if (!pids.includes('1')) return null;
  return pids.some((pid) => textOf(`/proc/${pid}/comm`) === name);
}
