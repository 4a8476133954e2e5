/**
 * `headrace demo --balancer`: a site of three servers on this machine, with real clients. Requests are spread by weight, a
 * server is drained, the daemon is killed, a server dies; and the packet rate stands beside that of nftables.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Clients, PORT, vip4 } from '../../../test/lab/balancer/farm.ts';
import { type Headrace, headrace, type Lab, until } from '../../../test/lab/library/index.ts';
import { type Display, grouped } from '../display.ts';
import { type BalancerDemoResult, judge, percent } from './judge.ts';
import { measureRate } from './rate.ts';
import { type Answers, AT_ONCE, between, Requests } from './requests.ts';
import { Site, servers, wantedShares } from './site.ts';

const HELD = 120;
/** Pages a stretch needs, and how much longer it waits for them. */
const LEAST = 30;
const PATIENCE_MS = 20_000;

export const balancerDemoQuestion =
  'The demo builds five network namespaces, runs web servers and clients in them for less than a minute, and removes them. Go on? [Y/n] ';

interface BackendRow {
  readonly backend: string;
  readonly state: string;
}

/** @param seconds of traffic, all stretches together */
export async function demonstrateBalancer(lab: Lab, display: Display, seconds: number): Promise<BalancerDemoResult> {
  display.say(`Building a site: client ─ box ─ web1, web2, web3, which all answer for ${vip4} …`);
  const site = await Site.build(lab);
  const nftables = await nftablesRate(site);
  display.say(`  nftables, translating destinations, flooded: ${grouped(nftables.packetsPerSecond)} pps on one CPU`);

  const box = await headrace(site.farm.box, site.config(true));
  await ready(box);
  display.say(`Headrace is on, in mode l2. ${HELD} connections are held, and pages fetched all the time:`);
  const held = site.farm.hold(vip4, HELD, 200);
  await held.after(1);
  const requests = new Requests(site.farm.client);
  const stretch = async (share: number, note: string): Promise<Answers> => {
    const before = requests.answers;
    const end = Date.now() + seconds * share * 1000;
    // On a machine that does much else, until there is something to tell.
    while (Date.now() < end || (pages(before, requests) < LEAST && Date.now() < end + PATIENCE_MS)) {
      await delay(Math.min(500, Math.max(50, end - Date.now())));
      display.redraw(tableOf(between(before, requests.answers), held, note));
    }
    const seen = between(before, requests.answers);
    display.say(`  ${note.padEnd(44)} ${accountOf(seen)}; ${aliveOf(held)}`);
    return seen;
  };

  const even = await stretch(0.4, 'all servers well');
  must(box, 'backend', 'drain', 'web/web3');
  await requestsUnderWay(requests);
  const drained = await stretch(0.2, 'web3 drained: it keeps what it has');
  await box.kill();
  const alone = await stretch(0.15, 'the daemon killed: packets go on');
  await box.start();
  must(box, 'backend', 'undrain', 'web/web3');

  const { servers: before = {} } = (await held.after(1)) ?? {};
  const began = Date.now();
  const atDeath = requests.answers;
  await site.kill('web2');
  await until('the checks to find web2 dead', async () => (await stateOf(box, 'web2')) === 'down', { everyMs: 20 });
  const noticedMs = Date.now() - began;
  await requestsUnderWay(requests);
  const dying = between(atDeath, requests.answers);
  display.say(`  web2 killed: the checks found it in ${noticedMs} ms, until then ${dying.failed} requests failed`);
  const dead = await stretch(0.25, 'web2 dead: the others have its share');
  await requests.stop();
  const last = await held.after(3);
  await held.process.kill();
  const connections = { held: last.opened, ofDead: before['web2'] ?? 0, broken: last.broken, reasons: last.reasons };

  // Sinks in the servers' place answer no checks.
  box.configure(site.config(false));
  await box.reload();
  const rate = await measureRate(site);
  const detach = await box.stop().then(() => box.detach());
  return judge(
    { even, drained, alone, dying, dead, noticedMs, connections, rates: { nftables, headrace: rate } },
    detach.status === 0 ? [] : [`detach failed: ${detach.stderr.trim()}`],
  );
}

function pages(before: Answers, requests: Requests): number {
  const { answered, failed } = between(before, requests.answers);
  return answered + failed;
}

async function ready(box: Headrace): Promise<void> {
  await until('the service to be ready', async () =>
    (await box.ask<{ ready: boolean; up: boolean }[]>('/services')).every((service) => service.ready && service.up),
  );
}

async function stateOf(box: Headrace, name: string): Promise<string | undefined> {
  return (await box.ask<BackendRow[]>('/backends')).find(({ backend }) => backend === name)?.state;
}

/** Requests that had begun are answered. */
async function requestsUnderWay(requests: Requests): Promise<void> {
  const { answered, failed } = requests.answers;
  await until(
    'requests to go on',
    () => requests.answers.answered + requests.answers.failed > answered + failed + AT_ONCE,
  );
}

function must(box: Headrace, ...words: readonly string[]): void {
  const { status, stderr } = box.cli(...words);
  if (status !== 0) throw new Error(`headrace ${words.join(' ')}: ${stderr.trim()}`);
}

/** The kernel's own way to do it: a table of connections, and destinations by a hash of the source. */
async function nftablesRate(site: Site) {
  const { farm } = site;
  const map = servers.map((name, i) => `${i} : ${farm.address(name)}`).join(', ');
  const rule = `ip daddr ${vip4} udp dport ${PORT} dnat to jhash ip saddr . udp sport mod ${servers.length} map { ${map} }`;
  farm.box.exec(['nft', '-f', '-'], {
    input: `table ip demo { chain in { type nat hook prerouting priority dstnat; policy accept; ${rule}; }; }\n`,
  });
  try {
    return await measureRate(site);
  } finally {
    farm.box.exec(['nft', 'delete', 'table', 'ip', 'demo']);
  }
}

function accountOf({ byServer, answered, failed }: Answers): string {
  const shares = servers.map((name) => `${name} ${percent((byServer[name] ?? 0) / Math.max(1, answered))}`);
  return `${grouped(answered)} pages (${shares.join(', ')}), ${failed} failed`;
}

function aliveOf({ last }: Clients): string {
  return last ? `${last.opened - last.broken} of ${last.opened} connections live` : '';
}

function tableOf(answers: Answers, held: Clients, note: string): string[] {
  const wanted = wantedShares();
  return [
    `  ${note}`,
    `    ${'server'.padEnd(10)} ${'pages'.padStart(8)} ${'share'.padStart(8)} ${'by weight'.padStart(10)} ${'connections'.padStart(12)}`,
    ...servers.map((name) => {
      const pages = answers.byServer[name] ?? 0;
      return (
        `    ${name.padEnd(10)} ${grouped(pages).padStart(8)} ${percent(pages / Math.max(1, answers.answered)).padStart(8)} ` +
        `${percent(wanted[name]!).padStart(10)} ${String(held.last?.servers[name] ?? 0).padStart(12)}`
      );
    }),
  ];
}

export function concludeBalancer(display: Display, result: BalancerDemoResult): void {
  const { rates, even, dying, connections } = result;
  const wanted = wantedShares();
  const row = (name: string, left: string, right: string): void =>
    display.say(`${name.padEnd(40)}${left.padStart(14)}${right.padStart(14)}`);
  display.say('');
  row('', 'nftables DNAT', 'Headrace');
  row(
    'packets per second, one CPU',
    grouped(rates.nftables.packetsPerSecond),
    grouped(rates.headrace.packetsPerSecond),
  );
  display.say('');
  row('', 'by weight', 'seen');
  for (const name of servers)
    row(
      `share of requests, ${name}`,
      percent(wanted[name]!),
      percent((even.byServer[name] ?? 0) / Math.max(1, even.answered)),
    );
  row('connections held', '', grouped(connections.held));
  row('… on the server that died: ended with it', '', `${connections.broken} of ${connections.ofDead}`);
  row('… broken otherwise', '', grouped(Math.max(0, connections.broken - connections.ofDead)));
  row('requests failed until it was found', '', grouped(dying.failed));
  display.say('');
  display.say(
    result.worked
      ? `It works: ${result.speedup.toFixed(1)} × the packet rate of nftables on one CPU, and no connection broken that could live. Everything is removed again.`
      : `It did not work: ${result.problems.join('; ')}. Everything is removed again.`,
  );
}
