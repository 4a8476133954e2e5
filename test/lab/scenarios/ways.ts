/** Ways out that go away or change: a port set down, a leg of a multipath route, a route replaced again and again. */
import type { Scenario } from './scenario.ts';
import { outage, Traffic } from './traffic.ts';
import { viaOther, viaServer } from './world.ts';

export const wayScenarios: readonly Scenario[] = [
  {
    name: 'egress-down',
    what: 'the port that traffic leaves by is set down; a route of higher metric leads by another',
    laterMs: 1000,
    async run(world) {
      world.box.route(`${viaOther} metric 100`);
      const traffic = await Traffic.start(world);
      await traffic.flow(100);
      world.box.ip('link set p1 down');
      await traffic.flow(100, 'other');
      const down = await traffic.arrives();
      world.box.ip('link set p1 up');
      world.box.route(viaServer);
      await traffic.flow(100, 'server');
      const verdict = `down: arrives at ${down}; up: at ${await traffic.arrives()}`;
      return { verdict, times: { interrupted: outage(await traffic.lost()) } };
    },
  },
  {
    name: 'ecmp-leg-down',
    what: 'one of two legs of a multipath route goes down, and comes up',
    laterMs: 1000,
    async run(world) {
      world.box.route('10.40.0.0/16 nexthop via 10.0.2.2 nexthop via 10.0.3.2');
      const traffic = await Traffic.start(world, { flows: 64 });
      await traffic.flow(100);
      const before = await traffic.arrives();
      world.box.ip('link set p1 down');
      await traffic.flow(100, 'other');
      const down = await traffic.arrives();
      world.box.ip('link set p1 up');
      await traffic.flow(100, 'server');
      const verdict = `before: arrives at ${before}; down: at ${down}; up: at ${await traffic.arrives()}`;
      return { verdict, times: { interrupted: outage(await traffic.lost()) } };
    },
  },
  {
    name: 'route-replaced',
    what: 'a route is replaced forty times under load',
    async run(world) {
      const traffic = await Traffic.start(world);
      await traffic.flow(100);
      for (let i = 0; i < 20; i++) {
        world.box.route(viaOther);
        await traffic.flow(1, 'other');
        world.box.route(viaServer);
        await traffic.flow(1, 'server');
      }
      const verdict = `arrives at ${await traffic.arrives()}`;
      return { verdict: `${verdict}; lost ${await traffic.lost()}` };
    },
  },
];
