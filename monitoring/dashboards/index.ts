/** Grafana dashboards, as code. Written to monitoring/grafana/dashboards; nothing at run time needs this. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { balancer } from './balancer.ts';
import { daemons } from './daemons.ts';
import { machine } from './machine.ts';
import { overview } from './overview.ts';
import { router } from './router.ts';
import { oneService } from './service.ts';

/** By file name, without its ending. */
export const dashboards: Readonly<Record<string, () => Dashboard>> = {
  overview,
  router,
  balancer,
  service: oneService,
  daemons,
  machine,
};

/** Files by path from the root of the repository. */
export const dashboardFiles: Readonly<Record<string, () => string>> = Object.fromEntries(
  Object.entries(dashboards).map(([name, make]) => [
    `monitoring/grafana/dashboards/headrace-${name}.json`,
    () => `${JSON.stringify(make(), null, 2)}\n`,
  ]),
);
