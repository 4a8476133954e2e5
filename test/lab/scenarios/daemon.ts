/** A daemon that is killed, with changes following; a daemon that is started again; and connections with offloads. */
import { until } from '../library/index.ts';
import { dropRule, nft } from './rules.ts';
import type { Outcome, Scenario } from './scenario.ts';
import { outage, Traffic } from './traffic.ts';
import { target, viaOther, viaServer, type World } from './world.ts';

/** Milliseconds after which a daemon that was killed counts as gone, with time to spare. */
const leaseMs = 8000;

async function killed(world: World): Promise<Outcome> {
  const traffic = await Traffic.start(world);
  await traffic.flow(100);
  await world.headrace?.kill();
  world.box.route(viaOther);
  await traffic.flow(100, 'other');
  const route = await traffic.arrives();
  world.box.route(viaServer);
  await traffic.flow(100, 'server');
  const rerouted = await traffic.lost();

  const moved = await Traffic.start(world);
  await moved.flow(100);
  world.server.ip('link set s0 address 02:00:00:00:00:78');
  await moved.silence();
  await moved.flow(100);
  const interrupted = outage(await moved.lost());

  const filtered = await Traffic.start(world);
  await filtered.flow(100);
  nft(world, dropRule);
  const since = Date.now();
  await until('the lease to run out', () => Date.now() - since > leaseMs);
  const firewall = await filtered.arrives();
  await filtered.lost();
  return {
    verdict: `route: arrives at ${route}, lost ${rerouted}; firewall: arrives ${firewall}`,
    times: { 'interrupted by a MAC address': interrupted },
  };
}

export const daemonScenarios: readonly Scenario[] = [
  {
    name: 'daemon-killed-keep',
    what: 'the daemon is killed; then a route, a MAC address and a firewall rule change (on_daemon_loss: keep)',
    dataplane: { on_daemon_loss: 'keep' },
    documented: {
      verdict: 'route: arrives at other, lost 0; firewall: arrives server',
      page: 'docs/guides/firewall.md, "When the daemon is gone"',
    },
    run: killed,
  },
  {
    name: 'daemon-killed-kernel',
    what: 'the daemon is killed; then a route, a MAC address and a firewall rule change (on_daemon_loss: kernel)',
    dataplane: { on_daemon_loss: 'kernel' },
    run: killed,
  },
  {
    name: 'reattach',
    what: 'the daemon is stopped and started, killed and started, under load',
    async run(world) {
      const traffic = await Traffic.start(world);
      await traffic.flow(100);
      for (const end of ['stop', 'kill'] as const) {
        await world.headrace?.[end]();
        await traffic.flow(100);
        await world.headrace?.start();
        await traffic.flow(100);
      }
      return { verdict: `lost ${await traffic.lost()}` };
    },
  },
  ...([true, false] as const).map(
    (gro): Scenario => ({
      name: gro ? 'offload' : 'offload-plain',
      what: `TCP whose checksums the sender leaves to be finished, far ends ${gro ? 'with' : 'without'} GRO`,
      gro,
      run: transfer,
    }),
  ),
];

const bytes = 8 << 20;

/** Each direction of one connection carries bytes that both ends know. */
async function transfer(world: World): Promise<Outcome> {
  const shared = `const net = require('net'), { createHash, createCipheriv } = require('crypto');
    const data = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(${bytes}));
    const run = (socket, done) => { const hash = createHash('sha256'); socket.on('data', (d) => hash.update(d));
      socket.on('end', () => done(hash.digest('hex') === createHash('sha256').update(data).digest('hex'))); socket.end(data); };`;
  const server = world.server.spawn([
    process.execPath,
    '-e',
    `${shared} net.createServer({ allowHalfOpen: true }, (s) => run(s, (ok) => console.log('received ' + ok))).listen(9100, () => console.log('listening'));`,
  ]);
  await server.line(/^listening$/, { timeoutMs: 60_000 });
  const client = world.client.spawn([
    process.execPath,
    '-e',
    `${shared} run(net.connect({ host: '${target}', port: 9100, allowHalfOpen: true }), (ok) => console.log('received ' + ok));`,
  ]);
  const whole = async (end: typeof client): Promise<boolean> =>
    (await end.line(/^received (true|false)$/, { timeoutMs: 60_000 }))[1] === 'true';
  return { verdict: `client got all: ${await whole(client)}, server got all: ${await whole(server)}` };
}
