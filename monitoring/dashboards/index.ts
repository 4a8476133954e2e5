/** Grafana dashboards, as code. Written to monitoring/grafana/dashboards; nothing at run time needs this. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { balancer } from './balancer.ts';
import { daemons } from './daemons.ts';
import { machine } from './machine.ts';
import { overview } from './overview.ts';
import { router } from './router.ts';
import { oneService } from './service.ts';

const made = { overview, router, balancer, service: oneService, daemons, machine } as const;

/** By file name, without its ending. */
export const dashboards: Readonly<Record<string, () => Dashboard>> = Object.fromEntries(
  Object.entries(made).map(([name, make]) => [name, () => numbered(make())]),
);

/** Panels with numbers of their own, which links to a single panel go by; Grafana would make some up at every load. */
function numbered(dashboard: Dashboard): Dashboard {
  dashboard.panels?.forEach((panel, i) => {
    panel.id = i + 1;
  });
  return dashboard;
}

/** Files by path from the root of the repository. */
export const dashboardFiles: Readonly<Record<string, () => string>> = Object.fromEntries(
  Object.entries(dashboards).map(([name, make]) => [
    `monitoring/grafana/dashboards/headrace-${name}.json`,
    () => `${JSON.stringify(make(), null, 2)}\n`,
  ]),
);
