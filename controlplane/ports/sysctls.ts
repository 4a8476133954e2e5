/** The sysctls the packet path depends on (kernel doc: ip-sysctl). They are those of this network namespace. */
import { readFileSync } from 'node:fs';

/** Effective `rp_filter` of interfaces: the larger of `all` and the interface's own. */
export function rpFilters(names: readonly string[]): Map<string, number> {
  const read = (name: string): number => {
    try {
      return Number(readFileSync(`/proc/sys/net/ipv4/conf/${name}/rp_filter`, 'utf8'));
    } catch {
      return 0; // the interface is gone again, or has no IPv4
    }
  };
  const all = read('all');
  return new Map(names.map((name) => [name, Math.max(all, read(name))]));
}

/** `net.ipv4.ip_forward`. */
export function forwardsIpv4(): boolean {
  return readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim() !== '0';
}

/** Which families interfaces forward: `net.ipv4.conf.NAME.forwarding` and its like. */
export function forwardingOf(names: readonly string[]): Map<string, { ipv4: boolean; ipv6: boolean }> {
  const read = (family: 'ipv4' | 'ipv6', name: string): boolean => {
    try {
      return readFileSync(`/proc/sys/net/${family}/conf/${name}/forwarding`, 'utf8').trim() !== '0';
    } catch {
      return false; // the interface is gone again, or lacks the family
    }
  };
  return new Map(names.map((name) => [name, { ipv4: read('ipv4', name), ipv6: read('ipv6', name) }]));
}
