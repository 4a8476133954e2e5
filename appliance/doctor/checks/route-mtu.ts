/** Is the MTU of a route honored by the look-up the packet path makes? */
import { type Check, ok, setSysctl, sysctl, system, unknown } from '../check.ts';

const name = 'net.ipv4.ip_forward_use_pmtu';

export const routeMtu: Check = {
  name: 'route-mtu',
  why: 'The kernel forwards by the MTU of a route; the look-up made in XDP ignores it unless it is locked or this setting is on. Only routes with an MTU of their own are concerned.',
  examine(facts) {
    const value = sysctl(facts, name);
    if (value === undefined) return [unknown(system, `${name} cannot be read`)];
    if (value !== 0) return [ok(system, 'MTUs of IPv4 routes are honored')];
    return [
      {
        subject: system,
        verdict: 'note',
        says: `an IPv4 route's MTU counts only if it is locked (${name}=0)`,
        mend: setSysctl(name, 1),
      },
    ];
  },
};
