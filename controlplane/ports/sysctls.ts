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
