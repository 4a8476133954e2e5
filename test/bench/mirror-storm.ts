/**
 * The mirror of the routes under a full table and a storm, on a box of namespaces with the real daemon:
 * `node --import tsx test/bench/mirror-storm.ts [--ipv4 1000000] [--ipv6 200000] [--probes 100000]`.
 *
 * Puts the routes into the kernel, starts the daemon, compares the time until the mirror is valid with that of reading
 * the same routes and doing nothing, takes a tenth away, flaps, and compares the loaded program with the kernel
 * (RTM_GETROUTE) when all is quiet. Exit status 1 when an answer is wrong.
 */
import { parseArgs } from 'node:util';
import { formatIp, formatPrefix, RouteNetlink } from '../../controlplane/netlink/index.ts';
import { dumpRoutes } from '../../controlplane/routing/mirror/route-dump.ts';
import {
  fullTableBox,
  gateway,
  gatewayMac,
  gatewaysPerPort,
  type Host,
  headrace,
  ipBatch,
  Lab,
  minimalConfig,
  mirrorOf,
  mirrorValid,
  Prober,
  until,
} from '../lab/library/index.ts';
import { coveredAddresses, type SyntheticRoutes, syntheticRoutes } from './synthetic-routes.ts';

const { values } = parseArgs({
  options: {
    ipv4: { type: 'string', default: '1000000' },
    ipv6: { type: 'string', default: '200000' },
    probes: { type: 'string', default: '100000' },
  },
});
const ports = 4;
const say = (text: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);

function bytesOf(routes: SyntheticRoutes, i: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(routes.words * 4));
  for (let word = 0; word < routes.words; word++) view.setUint32(word * 4, routes.addresses[i * routes.words + word]!);
  return new Uint8Array(view.buffer);
}

function line(verb: 'add' | 'delete' | 'replace', routes: SyntheticRoutes, i: number, shift = 0): string {
  const family = routes.words === 1 ? 4 : 6;
  const hop = (routes.hops[i]! + shift) % (ports * gatewaysPerPort);
  const port = hop % ports;
  const via = gateway(port, 1 + Math.floor(hop / ports), family);
  return `route ${verb} ${formatPrefix(bytesOf(routes, i), routes.lengths[i]!)} via ${via} dev p${port}`;
}

function batch(host: Host, routes: SyntheticRoutes, verb: 'add' | 'delete' | 'replace', every = 1, shift = 0): void {
  const lines: string[] = [];
  for (let i = 0; i < routes.lengths.length; i += every) lines.push(line(verb, routes, i, shift));
  ipBatch(host, lines);
}

/** Probes whose answer is not the kernel's. */
function wrongAnswers(host: Host, prober: Prober, routes: SyntheticRoutes, count: number): string[] {
  const size = routes.words * 4;
  const all = coveredAddresses(routes, count, 31);
  const addresses = Array.from({ length: count }, (_, i) => all.subarray(i * size, (i + 1) * size));
  const probes = prober.probe(addresses);
  using netlink = host.inNamespace(() => RouteNetlink.open());
  return addresses.flatMap((address, i) => {
    const answer = netlink.getRoute(address, { fibMatch: true });
    const via = answer.found && answer.route.type === 1 ? answer.route.gateway : undefined;
    const [port, last] = via ? [via.length === 4 ? via[2]! : via[3]!, via.at(-1)!] : [0, 0];
    const expected = via ? gatewayMac(port, last) : undefined;
    const { destinationMac } = probes[i]!;
    return destinationMac === expected ? [] : [`${formatIp(address)}: ${destinationMac}, the kernel ${expected}`];
  });
}

await using lab = new Lab('storm');
const { box } = fullTableBox(lab);
const tables = [
  syntheticRoutes(4, Number(values.ipv4), ports * gatewaysPerPort),
  syntheticRoutes(6, Number(values.ipv6), ports * gatewaysPerPort),
];
for (const routes of tables) batch(box, routes, 'add');
say(`${values.ipv4} IPv4 and ${values.ipv6} IPv6 routes are in the kernel`);

// Synchronous in effect: the dump never gives way, so that this thread may stay in the box's namespace.
const started = performance.now();
let dumped: Promise<unknown> = Promise.resolve();
for (const family of [4, 6] as const)
  box.inNamespace(() => {
    dumped = Promise.all([
      dumped,
      dumpRoutes({
        family,
        table: 254,
        visit: () => {},
        onPart: () => undefined,
        onApplied: () => {},
        cancelled: () => false,
        breathe: () => undefined,
      }),
    ]);
  });
await dumped;
say(`reading them and doing nothing takes ${Math.round(performance.now() - started)} ms`);

const daemon = await headrace(box, `${minimalConfig}router:\n  fib: mirror\n`);
await mirrorValid(daemon, 300_000);
const { lastResync, workerBytes, tableBytes, longestSliceMs } = mirrorOf(daemon).mirror!;
const routes = lastResync!.routes;
say(`valid: ${JSON.stringify(lastResync)}`);
say(`beyond the reading: ${Math.round(routes / ((lastResync!.totalMs - lastResync!.dumpMs) / 1000))} routes a second`);
say(`tables ${tableBytes >> 20} MiB, worker ${workerBytes >> 20} MiB, longest slice ${longestSliceMs.toFixed(1)} ms`);

using prober = new Prober(daemon, 'p9');
let wrong: string[] = [];
const compare = async (what: string): Promise<void> => {
  const began = performance.now();
  await mirrorValid(daemon, 60_000);
  say(`${what}: valid after ${Math.round(performance.now() - began)} ms`);
  await until('quiet', () => mirrorOf(daemon).mirror!.ipv4.pending === 0, { timeoutMs: 60_000 });
  for (const table of tables) wrong = [...wrong, ...wrongAnswers(box, prober, table, Number(values.probes) / 2)];
  const { sampler, lagged, lagMs, overruns } = mirrorOf(daemon).mirror!;
  say(`${what}: ${wrong.length} wrong of ${values.probes}; ${JSON.stringify({ lagged, lagMs, overruns, ...sampler })}`);
};
await compare('loaded');
for (const table of tables) batch(box, table, 'delete', 10);
await compare('a tenth withdrawn');
for (let flap = 0; flap < 3; flap++) for (const table of tables) batch(box, table, 'replace', 10, flap);
await compare('flapped three times');
box.ip('link set p3 down');
await compare('a link went down');
for (const text of wrong.slice(0, 20)) console.log(text);
process.exitCode = wrong.length > 0 ? 1 : 0;
