/** rp_filter of each interface: the larger of `all` and its own. */
import { type Check, ok, type Result, sysctl, unknown } from '../check.ts';

export const reversePath: Check = {
  name: 'rp-filter',
  why: 'The reverse-path filter is honored, and costs a second look-up for each packet. Strict mode drops the packets of asymmetric routes.',
  examine(facts) {
    const all = sysctl(facts, 'net.ipv4.conf.all.rp_filter');
    return facts.interfaces.map(({ name }): Result => {
      const own = sysctl(facts, `net.ipv4.conf.${name}.rp_filter`);
      if (all === undefined || own === undefined) return unknown(name, 'rp_filter cannot be read');
      const value = Math.max(all, own);
      if (value === 0) return ok(name, 'no reverse-path filter');
      const mode = value === 1 ? 'strict' : 'loose';
      return {
        subject: name,
        verdict: 'note',
        says: `${mode} reverse-path filter${value === 1 ? ': packets that come by another way than the answer would go are dropped' : ''}`,
        mend: `sysctl -w net.ipv4.conf.all.rp_filter=0 net/ipv4/conf/${name}/rp_filter=0`,
      };
    });
  },
};
