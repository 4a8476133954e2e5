/** What dashboards and alerts say of each other is there, and panels lie beside each other. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dashboards } from '../../../monitoring/dashboards/index.ts';
import { catalogue } from '../../../monitoring/index.ts';
import { alertRules } from '../../../monitoring/rules/alerts/index.ts';
import { ruleFiles } from '../../../monitoring/rules/files.ts';

interface Shown {
  readonly id?: number;
  readonly type: string;
  readonly title?: string;
  readonly gridPos?: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat?: string }[];
}
const boards = Object.entries(dashboards).map(([name, make]) => {
  const board = make();
  return { name, uid: board.uid, text: JSON.stringify(board), panels: (board.panels ?? []) as unknown as Shown[] };
});

describe.each(boards)('dashboard $name', ({ panels, text }) => {
  it('has panels with numbers of their own, none upon another', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const places = panels.map(({ gridPos }) => gridPos!);
    for (const [i, a] of places.entries()) {
      expect(a.x + a.w).toBeLessThanOrEqual(24);
      for (const b of places.slice(i + 1))
        expect(a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h).toBe(false);
    }
  });

  it('names its lines, and links to dashboards that are there', () => {
    for (const { type, title, targets } of panels)
      if (type === 'timeseries') for (const { legendFormat } of targets ?? []) expect(legendFormat, title).toBeTruthy();
    for (const [, uid] of text.matchAll(/\/d\/([\w-]+)/g)) expect(boards.map((board) => board.uid)).toContain(uid);
  });
});

/** What nobody needs to see over time, and why. */
const unseen = new Set<string>([
  catalogue.backendInfo.name, // addresses, for joins
  catalogue.backendLastChange.name,
  catalogue.backendWeight.name,
  catalogue.backendBytes.name,
  catalogue.backendStateChanges.name,
  catalogue.balancerSlots.name,
  catalogue.ringRebuilds.name,
  catalogue.ringRemapped.name,
  catalogue.forwardedBytes.name,
  catalogue.interfaceLeftToKernel.name,
  catalogue.interfaceTransmits.name,
  catalogue.mirrorPrefixes.name,
  catalogue.mirrorLists.name,
  catalogue.mirrorNextHops.name,
  catalogue.mirrorBytes.name,
  catalogue.mirrorEvents.name,
  catalogue.natSweeps.name,
  catalogue.neighborsPutBack.name,
  catalogue.netlinkResyncs.name,
  catalogue.serviceBackends.name,
  catalogue.transmitErrorsCounted.name,
]);

it('every metric is in a dashboard or an alert, or is said not to be', () => {
  const used = boards.map(({ text }) => text).join() + alertRules.map(({ expr }) => expr).join();
  const missing = Object.values(catalogue)
    .map(({ name }) => name)
    .filter((name) => !new RegExp(`${name}(?![a-z_])|${name}_bucket`).test(used));
  expect(missing.filter((name) => !unseen.has(name))).toEqual([]);
});

describe('alerts', () => {
  it('name panels and commands that are there', () => {
    const titles = boards.flatMap(({ panels }) => panels.map(({ title }) => title));
    const reference = readFileSync('docs/reference/cli.md', 'utf8');
    for (const { name, steps } of alertRules)
      for (const step of steps) {
        for (const [, quoted] of step.matchAll(/"([^"]+)"/g)) expect(titles, `${name}: ${quoted}`).toContain(quoted);
        for (const [, command] of step.matchAll(/`headrace ([a-z]+)/g))
          expect(reference, `${name}: headrace ${command}`).toContain(`headrace ${command}`);
      }
  });

  it('lead to their part of the runbook', () => {
    const runbook = ruleFiles['docs/reference/alerts.md']!();
    const anchors = [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading!.toLowerCase().replaceAll(' ', '-'),
    );
    const urls = [...ruleFiles['monitoring/prometheus/headrace-alerts.yaml']!().matchAll(/runbook_url: (\S+)/g)];
    expect(urls.length).toBe(alertRules.length);
    for (const [, url] of urls) {
      expect(url).toMatch(/^file:\/\/\/usr\/share\/doc\/headrace\/reference\/alerts\.md#/);
      expect(anchors).toContain(url!.split('#')[1]);
    }
  });
});
