/** The rule files for Prometheus, and the runbook. */
import { stringify } from 'yaml';
import { alertRules } from './alerts/index.ts';
import { recordingRules } from './recording.ts';

const head = '# Generated from monitoring/rules: change it there.\n';
/** Where an installed box has that page; who has it on a web server puts that address in (docs/guides/grafana.md). */
const runbook = 'file:///usr/share/doc/headrace/reference/alerts.md';

function alertsFile(): string {
  const rules = alertRules.map(({ name, expr, for: held, severity, summary, means }) => ({
    alert: name,
    expr,
    for: held,
    labels: { severity },
    annotations: { summary, description: means, runbook_url: `${runbook}#${name.toLowerCase()}` },
  }));
  return head + stringify({ groups: [{ name: 'headrace', rules }] }, { lineWidth: 0 });
}

/** Each alert by itself: that it does not fire yet, that it does, and that it stops. */
function testsFile(): string {
  const tests = alertRules.map(({ name, test: { series, quiet, firing, resolved } }) => ({
    name,
    interval: '15s',
    input_series: Object.entries(series).map(([one, values]) => ({ series: one, values })),
    promql_expr_test: [quiet, firing, resolved].map((at) => ({
      expr: `count(ALERTS{alertname="${name}", alertstate="firing"}) or vector(0)`,
      eval_time: at,
      exp_samples: [{ labels: '{}', value: at === firing ? 1 : 0 }],
    })),
  }));
  const file = { rule_files: ['headrace-alerts.yaml'], evaluation_interval: '15s', tests };
  return `${head}# promtool test rules each-alert.test.yaml\n${stringify(file, { lineWidth: 0 })}`;
}

function recordingFile(): string {
  const rules = recordingRules.map(({ record, expr }) => ({ record, expr }));
  return head + stringify({ groups: [{ name: 'headrace-recording', rules }] }, { lineWidth: 0 });
}

function alertsReference(): string {
  return [
    '# Alerts and recording rules',
    '',
    '<!-- Generated from monitoring/rules by appliance/cli/reference.ts: change it there. -->',
    '',
    'The files are `monitoring/prometheus/headrace-alerts.yaml` and `headrace-recording.yaml`: name them in `rule_files` of',
    "Prometheus. They expect a job whose name has `headrace` in it. Each alert's annotation `runbook_url` points to its part of",
    'this page.',
    '',
    ...alertRules.flatMap((rule) => [
      `## ${rule.name}`,
      '',
      `**${rule.severity}**, after ${rule.for}. ${rule.means}`,
      '',
      ...rule.steps.map((step, i) => `${i + 1}. ${step}`),
      '',
      '```promql',
      rule.expr,
      '```',
      '',
    ]),
    '## Recording rules',
    '',
    '| series | meaning |',
    '| --- | --- |',
    ...recordingRules.map(({ record, means }) => `| \`${record}\` | ${means} |`),
    '',
  ].join('\n');
}

/** Files by path from the root of the repository. */
export const ruleFiles: Readonly<Record<string, () => string>> = {
  'monitoring/prometheus/headrace-alerts.yaml': alertsFile,
  'monitoring/prometheus/each-alert.test.yaml': testsFile,
  'monitoring/prometheus/headrace-recording.yaml': recordingFile,
  'docs/reference/alerts.md': alertsReference,
};
