/** What the operator sets up while traffic flows: reverse-path filter, firewall rules, policy rules. */
import type { Scenario } from './scenario.ts';
import { Traffic } from './traffic.ts';
import { viaOther, type World } from './world.ts';

/** The traffic of port 9000 is dropped, that of others is not. */
export const dropRule =
  'table inet filter { chain forward { type filter hook forward priority 0; udp dport 9000 drop; }; }';

export function nft(world: World, rules: string): void {
  world.box.exec(['nft', '-f', '-'], { input: rules });
}

/** Two streams; `on` must stop the first and leave the second alone, `off` must undo that. */
async function barred(
  world: World,
  streams: readonly [Parameters<typeof Traffic.start>[1], Parameters<typeof Traffic.start>[1]],
  on: () => void,
  off: () => void,
): ReturnType<Scenario['run']> {
  const [first, second] = [await Traffic.start(world, streams[0]), await Traffic.start(world, streams[1])];
  await Promise.all([first.flow(100), second.flow(100)]);
  on();
  const stopped = await first.silence();
  const meanwhile = await first.arrives();
  off();
  await first.flow(100);
  const again = await first.arrives();
  await first.lost();
  const verdict = `barred: arrives ${meanwhile}; after: arrives at ${again}; other stream lost ${await second.lost()}`;
  return { verdict, times: { 'stopped after': stopped } };
}

export const ruleScenarios: readonly Scenario[] = [
  {
    name: 'rp-filter',
    what: 'the strict reverse-path filter is switched on, and off again',
    laterMs: 2000,
    run: (world) => {
      world.box.route('10.99.0.0/24 via 10.0.3.2');
      return barred(
        world,
        [{ source: '10.99.0.1' }, { port: 9001 }],
        () => world.box.sysctl('net.ipv4.conf.p0.rp_filter', 1),
        () => world.box.sysctl('net.ipv4.conf.p0.rp_filter', 0),
      );
    },
  },
  {
    name: 'nftables-drop',
    what: 'a drop is added to nftables, and removed',
    laterMs: 2000,
    run: (world) =>
      barred(
        world,
        [{ port: 9000 }, { port: 9001 }],
        () => nft(world, dropRule),
        () => nft(world, 'delete table inet filter'),
      ),
  },
  {
    name: 'nftables-bypass',
    what: 'a drop is added to nftables, which the operator wants skipped',
    dataplane: { netfilter: 'bypass' },
    documented: { verdict: 'with the rule: arrives at server', page: 'docs/guides/firewall.md' },
    async run(world) {
      const traffic = await Traffic.start(world);
      await traffic.flow(100);
      nft(world, dropRule);
      // Both worlds get the time that "netfilter: detect" needs.
      await Promise.race([traffic.silence(), traffic.flow(1000)]);
      const verdict = `with the rule: arrives at ${await traffic.arrives()}`;
      await traffic.lost();
      return { verdict };
    },
  },
  {
    name: 'ip-rule',
    what: 'a policy rule by source leads the traffic to another table, and is removed',
    run: (world) => diverted(world, () => world.box.ip('rule add from 10.0.1.0/24 lookup 100 priority 500')),
  },
  {
    name: 'ip-rule-by-mark',
    what: 'a policy rule by a mark that nftables sets leads the traffic to another table, and is removed',
    run: (world) =>
      diverted(world, () => {
        nft(world, 'table ip m { chain p { type filter hook prerouting priority -150; udp dport 9000 mark set 7; }; }');
        world.box.ip('rule add fwmark 7 lookup 100 priority 500');
      }),
  },
];

async function diverted(world: World, on: () => void): ReturnType<Scenario['run']> {
  world.box.route(`${viaOther} table 100`);
  const traffic = await Traffic.start(world);
  await traffic.flow(100);
  on();
  await traffic.flow(100, 'other');
  const meanwhile = await traffic.arrives();
  world.box.ip('rule del priority 500');
  await traffic.flow(100, 'server');
  const after = await traffic.arrives();
  return { verdict: `with the rule: arrives at ${meanwhile}; after: at ${after}; lost ${await traffic.lost()}` };
}
