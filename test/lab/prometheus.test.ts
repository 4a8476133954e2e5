/**
 * Real Prometheus beside a real box under traffic: what it scrapes is clean, the rules load and pass their tests, and
 * every panel of every dashboard and every rule asks for something that is there.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BpfObject, XdpLink } from '../../controlplane/bpf/index.ts';
import { sizeMaps } from '../../controlplane/dataplane/index.ts';
import { catalogue } from '../../monitoring/catalogue/index.ts';
import { dashboards } from '../../monitoring/dashboards/index.ts';
import { alertRules } from '../../monitoring/rules/alerts/index.ts';
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
const VIP = '198.51.100.10';
const WEB = `const s = require('net').createServer((c) => c.on('error', () => {}).end()).listen(8080, () => console.log('listening'))`;
const SESSION = 'connect delay time 1; connect retry time 1; error wait time 1, 2;';
/** What the guide to announcing has, for one family. */
const VIPS = `
ipv4 table vips;
protocol kernel vip_table { kernel table 231; learn; scan time 1; ipv4 { table vips; import all; export none; }; }
protocol pipe vip_pipe { table master4; peer table vips; import where krt_source = 201; export none; }
`;
const bgp = (own: string, peer: string, as: number, exported: string): string => `
router id ${own};
protocol device { }
protocol bgp upstream {
  local ${own} as ${as}; neighbor ${peer} as ${65003 - as + 65000}; ${SESSION}
  ipv4 { import all; export ${exported}; };
}
`;

const NEAR = VIPS + bgp('10.0.2.1', '10.0.2.2', 65001, 'where krt_source = 201');

let lab: Lab;
let pair: RoutedPair;
let box: Headrace;
let stream: Stream;
let web: Process;
let near: Bird;
let far: Bird;
beforeAll(async () => {
  lab = new Lab('prometheus');
  pair = routedPair(lab);
  web = pair.server.spawn([process.execPath, '-e', WEB]);
  const config = `${pair.box.folder}/prometheus.yml`;
  // What an alert waits for is in its unit test; here it is to be seen to fire, and to stop.
  const hasty = `${pair.box.folder}/alerts.yaml`;
  writeFileSync(
    hasty,
    readFileSync(`${rules}/headrace-alerts.yaml`, 'utf8')
      .replaceAll(/^( +for): .*/gm, '$1: 500ms')
      .replaceAll('[10m]', '[30s]'),
  );
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '500ms' },
      rule_files: [hasty, `${rules}/headrace-recording.yaml`],
      scrape_configs: [{ job_name: 'headrace', static_configs: [{ targets: ['127.0.0.1:9469'] }] }],
    }),
  );
  const folder = `${pair.box.folder}/prometheus`;
  const flags = [`--config.file=${config}`, `--storage.tsdb.path=${folder}`, '--web.listen-address=127.0.0.1:9090'];
  pair.box.spawn(['prometheus', ...flags, '--log.level=warn']);
  near = await Bird.start(pair.box, NEAR);
  [far, stream, box] = await Promise.all([
    Bird.start(pair.server, bgp('10.0.2.2', '10.0.2.1', 65002, 'none')),
    Stream.start(pair.client, pair.server, { ...ends[4], rate: 200 }),
    headrace(pair.box, {
      version: 1,
      dataplane: { interfaces: [{ match: 'p*' }] },
      pools: {
        web: {
          backends: { one: { address: '10.0.2.2' } },
          check: { tcp: { port: 8080 }, interval: '1s', timeout: '900ms', rise: 2, fall: 2 },
        },
      },
      services: {
        www: { frontends: [{ vip: VIP, tcp: [8080] }], pool: 'web', forward: { mode: 'l2' } },
        shop: { frontends: [{ vip: VIP, tcp: [8081] }], pool: 'web', forward: { mode: 'nat' } },
      },
      announce: { startup_hold: '0s', verify: { daemon: 'bird', socket: near.socket, sessions: 'upstream' } },
      daemons: { bird: near.socket },
      metrics: { compat: ['bird', 'ipvs'] },
      router: { fib: 'mirror' },
    }),
    web.line(/^listening$/),
  ]);
  await until('Prometheus to have scraped a few times', () => query('count_over_time(up[1m]) > 3').length > 0, {
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
  return queries([expr])[0]!;
}

/** Answers to several expressions, all asked for over one connection. */
function queries(expressions: readonly string[]): readonly (readonly Result[])[] {
  const url = 'http://127.0.0.1:9090/api/v1/query';
  const words = expressions.flatMap((expr, i) => [
    ...(i === 0 ? [] : ['--next']),
    ...['-sS', '--max-time', '10', '--get', '--write-out', '\n', url, '--data-urlencode', `query=${expr}`],
  ]);
  const lines = pair.box.exec(['curl', ...words], { mayFail: true }).stdout.split('\n');
  return expressions.map((expr, i) => {
    if (!lines[i]) return [];
    const answer = JSON.parse(lines[i]) as { status: string; error?: string; data?: { result: readonly Result[] } };
    if (answer.status !== 'success') throw new Error(`${expr}: ${answer.error}`);
    return answer.data?.result ?? [];
  });
}

/** Waits until each of them has data. */
async function haveData(expressions: readonly string[]): Promise<void> {
  let missing = expressions;
  const look = (): string[] => {
    const answers = queries(missing);
    missing = missing.filter((_, i) => answers[i]!.length === 0);
    return [...missing];
  };
  try {
    await until('data', () => look().length === 0);
  } catch (error) {
    throw new Error(`no data for ${missing.join('\n')}`, { cause: error });
  }
}

/** Grafana's variables, as they are when everything is selected. */
function filledIn(expr: string): string {
  return expr
    .replaceAll('$__rate_interval', '5s')
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
    expect(compat()).toMatch(
      /^bird_protocol_changes_update_export_accept_count\{.*import_filter="ACCEPT",export_filter="\(unnamed\)"\} \d+$/m,
    );
    expect(compat()).not.toContain('frr_');
  });

  it('are as Prometheus would have them', () => {
    const text = box.metrics();
    const file = `${pair.box.folder}/metrics.txt`;
    writeFileSync(file, text);
    const output = pair.box.exec(['sh', '-c', `promtool check metrics < ${file}`], { mayFail: true });
    expect(`${output.stdout}${output.stderr}`).toBe('');
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
    // each-alert.test.yaml has every alert fire and stop, by its own times.
    const files = ['each-alert.test.yaml', 'alerts.test.yaml'].map((name) => `${rules}/${name}`);
    const test = pair.box.exec(['promtool', 'test', 'rules', ...files], { mayFail: true });
    expect(test, test.stdout + test.stderr).toMatchObject({ status: 0 });
  });

  it('record something', async () => {
    await haveData(recordingRules.map(({ record }) => record));
  });

  it('ask for metrics that are there', async () => {
    // Without its comparisons an alert's expression is what it watches.
    const metrics = alertRules.flatMap(({ expr }) => expr.match(/\b(?:headrace_\w+|up\b)/g) ?? []);
    // Nothing has failed here.
    const here = [...new Set(metrics)].filter((name) => name !== catalogue.collectorErrors.name);
    expect(here.length).toBeGreaterThan(15);
    await haveData(here.map((name) => `count(${name})`));
    expect(() => queries(alertRules.map(({ expr }) => expr))).not.toThrow();
  });
});

/** Expressions that are empty on a box where all is well, and right so. */
const mayBeEmpty: readonly RegExp[] = [
  /topk\(/,
  /firewall_claims/,
  /neighbor_failures/,
  /> 0$/,
  /verdict="drop"/,
  /phase!="steady"/,
];

describe.each(Object.entries(dashboards))('dashboard %s', (_, make) => {
  const panels = make().panels ?? [];
  it('has data in every panel', async () => {
    const expressions = panels.flatMap((panel) =>
      'targets' in panel
        ? (panel.targets ?? []).map((target) => filledIn(String((target as unknown as { expr: string }).expr)))
        : [],
    );
    expect(expressions.length).toBeGreaterThan(3);
    const mayLack = (expr: string): boolean => mayBeEmpty.some((pattern) => pattern.test(expr));
    expect(() => queries(expressions.filter(mayLack))).not.toThrow();
    await haveData(expressions.filter((expr) => !mayLack(expr)));
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

// What goes wrong in one does not touch the other, and most of the time is waiting.
describe.concurrent('alerts', () => {
  const firing = (name: string): readonly Result[] => query(`ALERTS{alertname="${name}", alertstate="firing"}`);
  const wait = { timeoutMs: 60_000, everyMs: 250 };
  const fires = (name: string): Promise<unknown> => until(`${name} to fire`, () => firing(name).length > 0, wait);
  const resolves = (name: string): Promise<unknown> =>
    until(`${name} to resolve`, () => firing(name).length === 0, wait);

  it('tell of a backend that is killed, and of its service', async () => {
    await resolves('HeadraceBackendDown');
    await web.kill('SIGKILL');
    await Promise.all(['HeadraceBackendDown', 'HeadraceServiceDown'].map(fires));
    web = pair.server.spawn([process.execPath, '-e', WEB]);
    await Promise.all(['HeadraceBackendDown', 'HeadraceServiceDown'].map(resolves));
  });

  it('tell of a BGP session that is cut, of a daemon that is gone, and of what was announced', async () => {
    await until('the session to carry the VIP', () => query('headrace_vip_exported_peers == 1').length > 0, wait);
    const both = ['HeadraceBgpSessionDown', 'HeadraceVipExportedNowhere'];
    await Promise.all(both.map(resolves));
    far.command('disable', 'upstream');
    await Promise.all(both.map(fires));
    far.command('enable', 'upstream');
    await Promise.all(both.map(resolves));

    // What is gone altogether tells nothing any more, and that is not to be taken for all being well.
    await near.process.kill('SIGKILL');
    await Promise.all(['HeadraceRoutingDaemonSilent', ...both].map(fires));
    near = await Bird.start(pair.box, NEAR);
    await Promise.all(['HeadraceRoutingDaemonSilent', ...both].map(resolves));
  });

  it('tell of an interface that XDP is not on, and of a configuration that is refused', async () => {
    const right = readFileSync(box.configFile, 'utf8');
    box.configure(right.replace('"version": 1', '"version": 7'));
    process.kill(box.process.pid, 'SIGHUP');
    await fires('HeadraceReloadFailed');
    box.configure(right);
    process.kill(box.process.pid, 'SIGHUP');
    await resolves('HeadraceReloadFailed');

    // Somebody else's program is there first.
    pair.box.ip('link add q9 type veth peer name q9b');
    using other = BpfObject.open(`${repository}/build/xdp/headrace.bpf.o`);
    sizeMaps(other, {});
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

  it('tell of notifications that were lost, and of a daemon that stands still', async () => {
    const flaps = 'address add 10.64.0.1/32 dev lo\naddress del 10.64.0.1/32 dev lo\n'.repeat(4000);
    const stopped = async (work: () => unknown): Promise<void> => {
      process.kill(box.process.pid, 'SIGSTOP');
      try {
        await work();
      } finally {
        process.kill(box.process.pid, 'SIGCONT');
      }
    };
    // More messages than a socket holds. No longer than it takes: the alert looks back half a minute only.
    await stopped(() => {
      while (!overflowed()) pair.box.exec(['ip', '-batch', '-'], { input: flaps });
    });
    await fires('HeadraceNetlinkOverruns');
    await stopped(() => fires('HeadraceDown'));
    await Promise.all(['HeadraceDown', 'HeadraceNetlinkOverruns'].map(resolves));
  });

  /** A socket that is full, of some mebibytes as Headrace's are, and that the kernel had to drop messages for. */
  function overflowed(): boolean {
    const sockets = pair.box.exec(['cat', '/proc/net/netlink']).stdout.trim().split('\n').slice(1);
    return sockets.some((line) => {
      const [, , , , waiting, , , , drops] = line.trim().split(/\s+/).map(Number);
      return waiting! > 4 << 20 && drops! > 0;
    });
  }
});
