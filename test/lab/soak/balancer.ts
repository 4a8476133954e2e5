/**
 * Thousands of held connections while everything happens that happens to a balancer: not part of `npm test`, because it
 * takes minutes.
 *
 *     node dist/test/lab/soak/balancer.js [CONNECTIONS] [MODE] [FLOOD] [FAMILY]   # default 10000 l2 1000000 4
 *
 * MODE l2, ipip, gue or nat, FAMILY 4 or 6, of VIP and backends both.
 *
 * FLOOD packets of as many flows come twice while slots settle: SYNs, and then packets of connections nobody has opened.
 *
 * Prints a line for each thing done: how many connections live, how many broke, and how many of these should have lived.
 * Exit status 1 when one broke that should live.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ACK, Farm, PORT, SYN, vip4, vip6 } from '../balancer/farm.ts';
import type { Round } from '../balancer/holder.ts';
import { headrace, Lab, until } from '../library/index.ts';

const wanted = Number(process.argv[2] ?? 10_000);
const mode = process.argv[3] ?? 'l2';
const flooded = Number(process.argv[4] ?? 1_000_000);
const family = process.argv[5] === '6' ? 6 : 4;
const vip = family === 6 ? vip6 : vip4;
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
        Object.entries(backends).map(([name, more]) => [name, { address: farm.address(name, family), ...more }]),
      ),
    },
  },
  services: { www: { frontends: [{ vip, tcp: 'any' }], pool: 'web', forward: { mode } } },
  balancer: { settle: '60s' },
});
await Promise.all(
  names.map((name) => (mode === 'nat' ? farm.serve(name, PORT, farm.address(name, family)) : farm.serve(name))),
);
if (mode === 'ipip' || mode === 'gue') for (const name of names) farm.unwrap(name, vip4, vip6);
const box = await headrace(farm.box, config({ a: {}, b: {}, c: {} }));
const ready = (): boolean =>
  (JSON.parse(box.cli('services', '--json').stdout) as { ready: boolean }[]).every((service) => service.ready);
await until('the service to be ready', ready);

const held = farm.hold(vip, wanted, 3000);
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

/** With what is said of it. */
async function flood(what: string, flags: number): Promise<void> {
  const came = await farm.flood(flags, flooded);
  if (came < flooded / 2) throw new Error(`flood the box: only ${came} packets came`);
  await after(`${flooded.toLocaleString('en')} ${what}`);
}

await after('nothing');
await reload({ a: {}, b: {}, c: {}, d: {} });
await after('a backend added');
await reload({ a: { weight: 20 }, b: {}, c: {}, d: {} });
await after('a weight changed while settling');
// Floods are IPv4: they meet the table of the family's own connections only there.
if (family === 4) {
  await flood('SYNs while settling', SYN);
  await flood('stray packets while settling', ACK);
}
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
