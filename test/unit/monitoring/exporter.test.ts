import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { MetricDefinition } from '../../../monitoring/index.ts';
import { createMetrics, Exporter } from '../../../monitoring/index.ts';

const definition: MetricDefinition = { name: 'box_things', type: 'gauge', labels: ['name'], help: 'Things.' };

describe('the exporter', () => {
  it('writes the text format', async () => {
    const exporter = new Exporter([
      {
        definition: { ...definition, help: 'a \\ and\na line' },
        collect: () => [
          { labels: {}, value: 1.5 },
          { labels: { name: 'say "\\"\n', other: 'ü' }, value: Number.NaN },
          { labels: { name: 'kept' }, value: Number.POSITIVE_INFINITY },
          { labels: { le: '+Inf' }, value: -0, suffix: '_bucket' },
        ],
      },
    ]);
    expect(await exporter.metrics()).toBe(
      [
        '# HELP box_things a \\\\ and\\na line',
        '# TYPE box_things gauge',
        'box_things 1.5',
        'box_things{name="say \\"\\\\\\"\\n",other="ü"} NaN',
        'box_things{name="kept"} +Inf',
        'box_things_bucket{le="+Inf"} 0',
        '',
      ].join('\n'),
    );
  });

  it('lets others have their turn, and writes once for all who ask meanwhile', async () => {
    let written = 0;
    const exporter = new Exporter([
      {
        definition,
        collect: function* () {
          for (; written < 50_000; written++) yield { labels: { name: `thing-${written}` }, value: written };
        },
      },
    ]);
    const scrape = exporter.scrape();
    expect(exporter.scrape()).toBe(scrape);
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(50_000);
    await nextTurn();
    const pieces = await scrape;
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.concat(pieces).toString().split('\n').length).toBe(50_003);
  });

  it('leaves out what cannot be collected, and counts that', async () => {
    let broken = true;
    const exporter = createMetrics({
      serviceUp: () => {
        if (broken) throw new Error('no such map');
        return [{ labels: { service: 'www' }, value: 1 }];
      },
    });
    // The first scrape counts it, and the next one tells: errors stand before services in the catalogue or behind them.
    expect(await exporter.metrics()).not.toContain('headrace_service_up{');
    broken = false;
    const text = await exporter.metrics();
    expect(text).toContain('headrace_service_up{service="www"} 1\n');
    expect(text).toContain('headrace_collector_errors_total{metric="headrace_service_up"} 1\n');
    expect(text).toContain('headrace_process_cpu_seconds_total');
  });
});
