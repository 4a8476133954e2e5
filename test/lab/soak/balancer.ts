/**
 * Thousands of held connections while everything happens that happens to a balancer: not part of `npm test`, because it
 * takes minutes.
 *
 *     node dist/test/lab/soak/balancer.js [CONNECTIONS] [MODE] [FLOOD]   # default 10000 l2 1000000; MODE nat is another
 *
 * FLOOD packets of as many flows come twice while slots settle: SYNs, and then packets of connections nobody has opened.
 *
 * Prints a line for each thing done: how many connections live, how many broke, and how many of these should have lived.
 * Exit status 1 when one broke that should live.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Flood } from '../../bench/flood.ts';
import { Farm, PORT, vip4 } from '../balancer/farm.ts';
import type { Round } from '../balancer/holder.ts';
import { headrace, Lab, until } from '../library/index.ts';

const wanted = Number(process.argv[2] ?? 10_000);
const mode = process.argv[3] ?? 'l2';
const flooded = Number(process.argv[4] ?? 1_000_000);
const names = ['a', 'b', 'c', 'd'];

await using lab = new Lab('soak');
const farm = new Farm(lab, names, { vips: mode !== 'nat' });
for (const host of [farm.client, ...farm.servers.values()]) {
  host.sysctl('net.ipv4.ip_local_port_range', '10000 65000');
  host.sysctl('net.core.somaxconn', 8192);
  host.sysctl('net.ipv4.tcp_max_syn_backlog', 8192);
}
const config = (backends: Readonly<Record<string, object>>): object => ({
  version: 1,
  dataplane: { interfaces: [{ match: 'p*' }] },
  pools: {
    web: {
      backends: Object.fromEntries(
        Object.entries(backends).map(([name, more]) => [name, { address: farm.address(name), ...more }]),
      ),
    },
  },
  services: { www: { frontends: [{ vip: vip4, tcp: 'any' }], pool: 'web', forward: { mode } } },
  balancer: { settle: '60s' },
});
await Promise.all(
  names.map((name) => (mode === 'nat' ? farm.serve(name, PORT, farm.address(name)) : farm.serve(name))),
);
const box = await headrace(farm.box, config({ a: {}, b: {}, c: {} }));
const ready = (): boolean =>
  (JSON.parse(box.cli('services', '--json').stdout) as { ready: boolean }[]).every((service) => service.ready);
await until('the service to be ready', ready);

const held = farm.hold(vip4, wanted, 3000);
const opened = await held.after(1);
console.log(`${opened.opened} connections held: ${JSON.stringify(opened.servers)}`);
let wronged = 0;
let allowed = 0;

/** @param mayBreak how many connections this may end. */
async function after(what: string, mayBreak = 0): Promise<Round> {
  const round = await held.after(2);
  allowed += mayBreak;
  wronged = Math.max(wronged, round.broken - allowed);
  console.log(
    `${what.padEnd(44)} ${String(round.opened - round.broken).padStart(6)} live  ${String(round.broken).padStart(5)} broken  ` +
      `${Math.max(0, round.broken - allowed)} of them should live  ${round.broken > allowed ? JSON.stringify(round.reasons) : ''}`,
  );
  return round;
}

async function reload(backends: Readonly<Record<string, object>>): Promise<void> {
  const count = (): number => box.process.stderr.split('configuration reloaded').length;
  const before = count();
  box.configure(config(backends));
  process.kill(box.process.pid, 'SIGHUP');
  await until('the reload', () => count() > before);
}

/** As fast as they can be made, with rests in which clients come to speak. @returns how many packets came to the box. */
async function flood(what: string, flags: number): Promise<void> {
  using source = new Flood();
  const spec = {
    ...{ from: farm.client, device: 'c0', to: farm.box.mac('p0'), source: '100.64.0.0', destination: vip4 },
    ...{ port: PORT, protocol: 6, flags, flows: Number.POSITIVE_INFINITY },
  };
  const received = (): number => {
    const [link] = JSON.parse(farm.box.exec(['ip', '-s', '-j', 'link', 'show', 'p0']).stdout) as {
      stats64: { rx: { packets: number } };
    }[];
    return link!.stats64.rx.packets;
  };
  const before = received();
  const step = 50_000;
  for (let sent = 0; sent < flooded; sent += step) {
    source.send(spec, Math.min(step, flooded - sent));
    await sleep(20);
  }
  if (received() - before < flooded / 2) throw new Error(`flood the box: only ${received() - before} packets came`);
  await after(`${flooded.toLocaleString('en')} ${what}`);
}

await after('nothing');
await reload({ a: {}, b: {}, c: {}, d: {} });
await after('a backend added');
await reload({ a: { weight: 20 }, b: {}, c: {}, d: {} });
await after('a weight changed while settling');
await flood('SYNs while settling', 0x02);
await flood('stray packets while settling', 0x10);
box.cli('backend', 'drain', 'web/b');
await after('a backend drained');
await box.kill();
await after('the daemon killed');
await box.start();
await until('the service to be ready', ready);
await after('the daemon started again');
await reload({ a: {}, b: {}, c: {}, d: {} });
await after('the weight changed back');
console.log('waiting until nothing settles any more');
await sleep(65_000);
await after('the time to settle over');
box.cli('backend', 'undrain', 'web/b');
const before = await after('the drained backend back');
box.cli('backend', 'maintenance', 'web/c');
await sleep(2000);
await after('a backend taken out at once', before.servers['c'] ?? 0);
await box.stop();
await after('the daemon stopped');
await box.start();
await after('and started');
console.log(wronged === 0 ? 'nothing broke that should live' : `${wronged} connections broke that should live`);
process.exitCode = wronged === 0 ? 0 : 1;
await held.process.kill();
