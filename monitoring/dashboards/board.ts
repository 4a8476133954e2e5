/** What every dashboard begins with: its variables, its links to the others, its place in time. */
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { metric } from './names.ts';
import { datasource } from './panels.ts';

export interface BoardText {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
}

/** Selects the box: part of every expression. */
export const box = 'instance=~"$instance"';

/** A variable whose values are those of a label. */
export function labelVariable(name: string, label: string, of: string, title: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(title)
    .query(`label_values(${of}, ${label})`)
    .datasource(datasource)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true);
}

export function board({ uid, title, description }: BoardText): DashboardBuilder {
  return new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['headrace'])
    .editable()
    .tooltip(DashboardCursorSync.Crosshair)
    .refresh('15s')
    .time({ from: 'now-1h', to: 'now' })
    .timezone('browser')
    .link(
      new DashboardLinkBuilder('Headrace')
        .type(DashboardLinkType.Dashboards)
        .tags(['headrace'])
        .asDropdown(true)
        .keepTime(true)
        .includeVars(true),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
    .withVariable(labelVariable('instance', 'instance', metric.buildInfo, 'Box'));
}
