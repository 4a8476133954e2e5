/** Can the checks be made that pools ask for? */
import { asked, wayOf } from '../check-ways.ts';
import type { CheckedConfig } from '../schema/index.ts';
import type { Finding } from './finding.ts';

export function checkChecks({ pools, services }: CheckedConfig): Finding[] {
  return Object.entries(pools).flatMap(([pool, { check }]): Finding[] => {
    if (!check) return [];
    const at = (...path: readonly string[]): string[] => ['pools', pool, 'check', ...path];
    if (check.via === 'direct')
      return check.vip === undefined
        ? []
        : [{ level: 'error', path: at('vip'), message: 'only goes with via: vip', hint: undefined }];
    const findings: Finding[] = [];
    if (check.icmp)
      findings.push({
        level: 'error',
        path: at('icmp'),
        message: 'a ping to a VIP is answered by the balancer itself, so it cannot be made by way of it',
        hint: 'leave icmp out, or check directly: the host that answers another check is there',
      });
    const of = check.vip === undefined ? '' : ` at ${check.vip}`;
    for (const [kind, ask] of asked(check))
      if (!wayOf(services, pool, check.vip, ask))
        findings.push({
          level: 'error',
          path: at('via'),
          message: `no service of pool "${pool}" takes ${ask.protocol} port ${ask.port}${of}, which the ${kind} check asks`,
          hint: "with via: vip the port is the service's; of VIPs that are prefixes, name one address with vip",
        });
    return findings;
  });
}
