/**
 * Real Prometheus beside a real box under traffic: what it scrapes is clean, the rules load and pass their tests, and
 * every panel of every dashboard and every rule asks for something that is there.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BpfObject, XdpLink } from '../../controlplane/bpf/index.ts';
import { omitUnwanted } from '../../controlplane/dataplane/index.ts';
import { dashboards } from '../../monitoring/dashboards/index.ts';
import { alertRules } from '../../monitoring/rules/alerts.ts';
import { recordingRules } from '../../monitoring/rules/recording.ts';
import {
  Bird,
  ends,
  type Headrace,
  headrace,
  Lab,
  type Process,
  type RoutedPair,
  routedPair,
  Stream,
  until,
} from './library/index.ts';
import { repository } from './library/repository.ts';

const rules = `${repository}/monitoring/prometheus`;
const WEB = `const s = require('net').createServer((c) => c.on('error', () => {}).end()).listen(8080, () => console.log('listening'))`;
const SESSION = 'connect delay time 1; connect retry time 1; error wait time 1, 2; ipv4 { import all; export none; };';
const bgp = (own: string, peer: string, as: number): string => `
router id ${own};
protocol device { }
protocol bgp upstream { local ${own} as ${as}; neighbor ${peer} as ${65003 - as + 65000}; ${SESSION} }
`;

let lab: Lab;
let pair: RoutedPair;
let box: Headrace;
let stream: Stream;
let web: Process;
let far: Bird;
beforeAll(async () => {
  lab = new Lab('prometheus');
  pair = routedPair(lab);
  const serve = (): Process => pair.server.spawn([process.execPath, '-e', WEB]);
  web = serve();
  await web.line(/^listening$/);
  const near = await Bird.start(pair.box, bgp('10.0.2.1', '10.0.2.2', 65001));
  far = await Bird.start(pair.server, bgp('10.0.2.2', '10.0.2.1', 65002));
  box = await headrace(pair.box, {
    version: 1,
    dataplane: { interfaces: [{ match: 'p*' }] },
    pools: {
      web: {
        backends: { one: { address: '10.0.2.2' } },
        check: { tcp: { port: 8080 }, interval: '1s', timeout: '900ms', rise: 2, fall: 2 },
      },
    },
    services: { www: { frontends: [{ vip: '198.51.100.10', tcp: [8080] }], pool: 'web', forward: { mode: 'l2' } } },
    daemons: { bird: near.socket },
    metrics: { compat: ['bird', 'ipvs'] },
  });
  const config = `${pair.box.folder}/prometheus.yml`;
  // What an alert waits for is in its unit test; here it is to be seen to fire.
  const hasty = `${pair.box.folder}/alerts.yaml`;
  writeFileSync(hasty, readFileSync(`${rules}/headrace-alerts.yaml`, 'utf8').replaceAll(/^( +for): .*/gm, '$1: 1s'));
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [hasty, `${rules}/headrace-recording.yaml`],
      scrape_configs: [{ job_name: 'headrace', static_configs: [{ targets: ['127.0.0.1:9469'] }] }],
    }),
  );
  const folder = `${pair.box.folder}/prometheus`;
  const flags = [`--config.file=${config}`, `--storage.tsdb.path=${folder}`, '--web.listen-address=127.0.0.1:9090'];
  pair.box.spawn(['prometheus', ...flags, '--log.level=warn']);
  stream = await Stream.start(pair.client, pair.server, { ...ends[4], rate: 200 });
  await until('Prometheus to have scraped a few times', () => query('count_over_time(up[1m]) > 6').length > 0, {
    timeoutMs: 60_000,
  });
});
afterAll(async () => {
  await stream?.stop();
  lab?.cleanup();
});

interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** @throws with Prometheus's own words for an expression it does not take. */
function query(expr: string): readonly Result[] {
  const url = 'http://127.0.0.1:9090/api/v1/query';
  const command = ['curl', '-sS', '--max-time', '10', '--get', url, '--data-urlencode', `query=${expr}`];
  const { stdout } = pair.box.exec(command, { mayFail: true });
  if (stdout === '') return [];
  const answer = JSON.parse(stdout) as { status: string; error?: string; data?: { result: readonly Result[] } };
  if (answer.status !== 'success') throw new Error(`${expr}: ${answer.error}`);
  return answer.data?.result ?? [];
}

/** Grafana's variables, as they are when everything is selected. */
function filledIn(expr: string): string {
  return expr
    .replaceAll('$__rate_interval', '10s')
    .replaceAll('$__range', '1m')
    .replace(/=~?"\$\w+"/g, '=~".*"');
}

describe('metrics', () => {
  it('have the names of other exporters beside them', async () => {
    const compat = (): string => pair.box.exec(['curl', '-sS', 'http://127.0.0.1:9469/metrics/compat']).stdout;
    await until('the session to be told of as established', () =>
      /^bird_protocol_up\{name="upstream",proto="BGP",ip_version="4",.*state="established"\} 1$/m.test(compat()),
    );
    expect(compat()).toContain('node_ipvs_backend_weight{local_address="198.51.100.10",local_port="8080",');
    expect(compat()).not.toContain('frr_');
  });

  it('are as Prometheus would have them', () => {
    const text = box.metrics();
    const file = `${pair.box.folder}/metrics.txt`;
    writeFileSync(file, text);
    const output = pair.box.exec(['sh', '-c', `promtool check metrics < ${file}`], { mayFail: true });
    // Node's own metrics are named by prom-client.
    const complaints = `${output.stdout}${output.stderr}`
      .split('\n')
      .filter((line) => line && !line.includes('nodejs'));
    expect(complaints).toEqual([]);
  });
});

describe('rules', () => {
  it('are taken by promtool, and do what their tests say', () => {
    const check = pair.box.exec([
      'promtool',
      'check',
      'rules',
      `${rules}/headrace-alerts.yaml`,
      `${rules}/headrace-recording.yaml`,
    ]);
    expect(check.status).toBe(0);
    const test = pair.box.exec(['promtool', 'test', 'rules', `${rules}/alerts.test.yaml`], { mayFail: true });
    expect(test, test.stdout + test.stderr).toMatchObject({ status: 0 });
  });

  it('record something', async () => {
    for (const { record } of recordingRules)
      await until(`${record} to be recorded`, () => query(record).length > 0, { timeoutMs: 20_000 });
  });

  it('ask for metrics that are there', () => {
    for (const { name, expr } of alertRules) {
      // Without its comparisons an alert's expression is what it watches.
      for (const selector of expr.match(/\b(?:headrace_\w+|up)(?:\{[^}]*\})?/g) ?? []) {
        const metric = selector.replace(/\{.*/, '');
        expect(query(`count(${metric})`), `${name}: ${metric}`).toHaveLength(1);
      }
      expect(() => query(expr)).not.toThrow();
    }
  });
});

/** Expressions that are empty on a box where all is well, and right so. */
const mayBeEmpty: readonly RegExp[] = [/topk\(/, /> 0$/, /verdict="drop"/, /phase!="steady"/];

describe.each(Object.entries(dashboards))('dashboard %s', (_, make) => {
  const panels = make().panels ?? [];
  it('has data in every panel', async () => {
    const expressions = panels.flatMap((panel) =>
      'targets' in panel
        ? (panel.targets ?? []).map((target) => ({
            title: panel.title ?? '',
            expr: filledIn(String((target as unknown as { expr: string }).expr)),
          }))
        : [],
    );
    expect(expressions.length).toBeGreaterThan(3);
    for (const { title, expr } of expressions) {
      if (mayBeEmpty.some((pattern) => pattern.test(expr))) expect(() => query(expr), title).not.toThrow();
      else await until(`data for "${title}": ${expr}`, () => query(expr).length > 0, { timeoutMs: 20_000 });
    }
  });

  it('says of every panel what it shows, in what unit', () => {
    for (const panel of panels) {
      if (panel.type === 'row') continue;
      const shown = panel as { title?: string; description?: string; fieldConfig?: { defaults: { unit?: string } } };
      expect(shown.description, shown.title).toBeTruthy();
      expect(shown.fieldConfig?.defaults.unit, shown.title).toBeTruthy();
    }
  });
});

describe('alerts', () => {
  const firing = (name: string): readonly Result[] => query(`ALERTS{alertname="${name}", alertstate="firing"}`);
  const fires = (name: string): Promise<unknown> =>
    until(`${name} to fire`, () => firing(name).length > 0, { timeoutMs: 40_000 });
  const resolves = (name: string): Promise<unknown> =>
    until(`${name} to resolve`, () => firing(name).length === 0, { timeoutMs: 40_000 });

  it('tell of a backend that is killed, and of its service', async () => {
    await resolves('HeadraceBackendDown');
    await web.kill('SIGKILL');
    await fires('HeadraceBackendDown');
    await fires('HeadraceServiceDown');
    web = pair.server.spawn([process.execPath, '-e', WEB]);
    await resolves('HeadraceBackendDown');
    await resolves('HeadraceServiceDown');
  });

  it('tell of a BGP session that is cut', async () => {
    await until('the session', () => query('headrace_bgp_session_up == 1').length > 0, { timeoutMs: 40_000 });
    far.command('disable', 'upstream');
    await fires('HeadraceBgpSessionDown');
    far.command('enable', 'upstream');
    await resolves('HeadraceBgpSessionDown');
  });

  it('tell of an interface that XDP is not on, and of a configuration that is refused', async () => {
    const right = readFileSync(box.configFile, 'utf8');
    box.configure(right.replace('"p*"', '"p?"').replace('"version": 1', '"version": 7'));
    process.kill(box.process.pid, 'SIGHUP');
    await fires('HeadraceReloadFailed');
    box.configure(right);
    process.kill(box.process.pid, 'SIGHUP');
    await resolves('HeadraceReloadFailed');

    // Somebody else's program is there first.
    pair.box.ip('link add q9 type veth peer name q9b');
    using other = BpfObject.open(`${repository}/build/xdp/headrace.bpf.o`);
    omitUnwanted(other, {});
    other.load();
    const q9 = pair.box.ifindex('q9');
    using _link = pair.box.inNamespace(() => XdpLink.attach(other.program('headrace_xdp'), q9, 'native'));
    pair.box.ip('link set q9 name p9');
    await fires('HeadraceInterfaceDetached');
    pair.box.ip('link del p9');
    await resolves('HeadraceInterfaceDetached');
  });

  it('tell of a map that fills, before it is full', async () => {
    // Addresses of ours and their networks' ends: four a prefix in a map for 4,096.
    const lines = Array.from({ length: 1200 }, (_, i) => `10.65.${i >> 6}.${4 * (i & 63) + 1}/30 dev lo`);
    pair.box.exec(['ip', '-batch', '-'], { input: lines.map((line) => `address add ${line}`).join('\n') });
    await fires('HeadraceMapFull');
    pair.box.exec(['ip', '-batch', '-'], { input: lines.map((line) => `address del ${line}`).join('\n') });
    await resolves('HeadraceMapFull');
  });

  it('tell of notifications that were lost', async () => {
    process.kill(box.process.pid, 'SIGSTOP');
    // More messages than any socket holds: addresses, for those are followed by the main loop.
    const flaps = 'address add 10.64.0.1/32 dev lo\naddress del 10.64.0.1/32 dev lo\n'.repeat(40_000);
    try {
      pair.box.exec(['ip', '-batch', '-'], { input: flaps });
    } finally {
      process.kill(box.process.pid, 'SIGCONT');
    }
    await fires('HeadraceNetlinkOverruns');
  });
});
