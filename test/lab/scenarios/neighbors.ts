/** Next hops that change their MAC address without a word, or die and come back. */
import { until } from '../library/index.ts';
import type { Scenario } from './scenario.ts';
import { outage, Traffic } from './traffic.ts';

export const neighborScenarios: readonly Scenario[] = [
  {
    name: 'mac-changed',
    what: "the next hop's MAC address changes without a word",
    async run(world) {
      const traffic = await Traffic.start(world);
      await traffic.flow(100);
      world.server.ip('link set s0 address 02:00:00:00:00:77');
      await traffic.silence();
      await traffic.flow(100);
      return { verdict: `arrives at ${await traffic.arrives()}`, times: { interrupted: outage(await traffic.lost()) } };
    },
  },
  {
    name: 'next-hop-dead',
    what: 'the next hop falls silent, is given up, and comes back',
    async run(world) {
      const traffic = await Traffic.start(world);
      await traffic.flow(100);
      const died = Date.now();
      const rules = 'table netdev dead { chain c { type filter hook ingress device "s0" priority 0; policy drop; }; }';
      world.server.exec(['nft', '-f', '-'], { input: rules });
      await until(
        'the next hop to be given up',
        () => /FAILED|INCOMPLETE/.test(world.box.ip('neighbor show 10.0.2.2 dev p1')),
        { timeoutMs: 60_000 },
      );
      const noticed = Date.now() - died;
      const told = await until(
        'the sender to be told',
        () => unreachables(world.client.exec(['cat', '/proc/net/snmp']).stdout),
        {
          timeoutMs: 30_000,
        },
      );
      world.server.exec(['nft', 'delete', 'table', 'netdev', 'dead']);
      const restored = Date.now();
      await traffic.flow(10);
      const back = Date.now() - restored;
      const verdict = `sender ${told > 0 ? 'told' : 'not told'}, then arrives at ${await traffic.arrives()}`;
      await traffic.lost();
      return { verdict, times: { 'noticed after': noticed, 'back after': back } };
    },
  },
];

/** ICMP errors "unreachable" that came in. */
function unreachables(snmp: string): number {
  const [names = [], values = []] = [...snmp.matchAll(/^Icmp: (.*)$/gm)].map((line) => line[1]!.split(' '));
  return Number(values[names.indexOf('InDestUnreachs')]);
}
