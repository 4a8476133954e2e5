/**
 * No packet may belong to two services. More precise wins where it is plain what is meant: a port before `any`, an
 * address before a prefix, a longer prefix before a shorter one. Everything else that meets is an error of the later
 * service.
 */
import type { CheckedConfig } from '../schema/index.ts';
import type { Finding } from './finding.ts';

interface Claim {
  readonly service: string;
  readonly frontend: number;
  /** `tcp 80`, `udp any`, `everything`. */
  readonly what: string;
  readonly from: number;
  readonly to: number;
}

export function overlaps({ services }: CheckedConfig): Finding[] {
  const claims = new Map<string, Claim[]>();
  const findings: Finding[] = [];
  const claim = (key: string, vip: string, made: Claim): void => {
    const there = claims.get(key);
    const other = there?.find(({ from, to }) => from <= made.to && made.from <= to);
    if (other)
      findings.push({
        level: 'error',
        path: ['services', made.service, 'frontends', made.frontend],
        message: `${vip} ${made.what} belongs to service "${other.service}" already (${other.what})`,
        hint: 'give each port of an address to one service',
      });
    if (there) there.push(made);
    else claims.set(key, [made]);
  };
  for (const [service, { frontends }] of Object.entries(services))
    frontends.forEach(({ vip, tcp, udp, any }, frontend) => {
      for (const address of vip) {
        for (const [protocol, ports] of [['tcp', tcp] as const, ['udp', udp] as const]) {
          if (ports === 'any')
            claim(`${address} ${protocol} any`, address, {
              service,
              frontend,
              what: `${protocol} any`,
              from: 0,
              to: 0,
            });
          else
            for (const port of ports ?? []) {
              const [from = 0, to = from] = String(port).split('-').map(Number);
              claim(`${address} ${protocol}`, address, { service, frontend, what: `${protocol} ${port}`, from, to });
            }
        }
        if (any) claim(`${address}`, address, { service, frontend, what: 'any', from: 0, to: 0 });
      }
    });
  return findings;
}
