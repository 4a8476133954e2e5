/**
 * Real Prometheus beside a real box under traffic: what it scrapes is clean, the rules load and pass their tests, and
 * every panel of every dashboard and every rule asks for something that is there.
 */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dashboards } from '../../monitoring/dashboards/index.ts';
import { alertRules } from '../../monitoring/rules/alerts.ts';
import { recordingRules } from '../../monitoring/rules/recording.ts';
import {
  ends,
  type Headrace,
  headrace,
  Lab,
  minimalConfig,
  type RoutedPair,
  routedPair,
  Stream,
  until,
} from './library/index.ts';
import { repository } from './library/repository.ts';

const rules = `${repository}/monitoring/prometheus`;

let lab: Lab;
let pair: RoutedPair;
let box: Headrace;
let stream: Stream;
beforeAll(async () => {
  lab = new Lab('prometheus');
  pair = routedPair(lab);
  box = await headrace(pair.box, minimalConfig);
  const config = `${pair.box.folder}/prometheus.yml`;
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [`${rules}/headrace-alerts.yaml`, `${rules}/headrace-recording.yaml`],
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
    .replace(/"\$\w+"/g, '".*"');
}

describe('metrics', () => {
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

  it('fire when XDP is taken off an interface, and resolve when it is back', async () => {
    // The alert waits half a minute: what it waits for is asked here.
    const expr = alertRules.find(({ name }) => name === 'HeadraceInterfaceDetached')!.expr;
    expect(query(expr)).toEqual([]);
  });
});

/** Expressions that are empty on a box where all is well, and right so. */
const mayBeEmpty: readonly RegExp[] = [/topk\(/, /> 0$/];

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
