/**
 * The few kinds of panel that all dashboards are made of, so that the same thing looks the same everywhere: a verdict
 * has one color, rates are per second, legends stand below with the last value.
 */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type DataSourceRef,
  FieldColorBuilder,
  FieldColorModeId,
  MappingType,
  type Panel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatPanelBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TablePanelBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as SeriesPanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

export const datasource: DataSourceRef = { type: 'prometheus', uid: '$datasource' };

export interface Query {
  readonly expr: string;
  /** Legend: text, or `{{label}}`. */
  readonly legend: string;
}

export interface PanelText {
  readonly title: string;
  /** What it shows and what to make of it. */
  readonly description: string;
  /** Grafana's unit id: pps, bps, s, … */
  readonly unit: string;
  /** Of 24 columns. Default 12. */
  readonly width?: number;
  /** Rows of 30 pixels. Default 8. */
  readonly height?: number;
}

/** Colors by meaning, from a palette that the color-blind can tell apart (Okabe and Ito). */
const colors = { good: '#009E73', kernel: '#0072B2', warn: '#E69F00', bad: '#D55E00', neutral: '#56B4E9' } as const;

const verdictColors: Readonly<Record<string, string>> = {
  redirect: colors.good,
  tx: colors.neutral,
  pass: colors.kernel,
  drop: colors.warn,
  aborted: colors.bad,
};

function target({ expr, legend }: Query, refId: string): DataqueryBuilder {
  return new DataqueryBuilder().expr(expr).legendFormat(legend).refId(refId).range().datasource(datasource);
}

const refIdOf = (i: number): string => String.fromCharCode(65 + i);

/** Lines over time. */
export function series(text: PanelText, queries: readonly Query[], options: SeriesOptions = {}): Builder<Panel> {
  const panel = new SeriesPanelBuilder()
    .title(text.title)
    .description(text.description)
    .datasource(datasource)
    .unit(text.unit)
    .min(0)
    .span(text.width ?? 12)
    .height(text.height ?? 8)
    .lineWidth(1)
    .fillOpacity(options.stacked ? 40 : 10)
    .showPoints(VisibilityMode.Never)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .calcs(['lastNotNull', 'max'])
        .showLegend(true),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (options.stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
  if (options.most !== undefined) panel.max(options.most);
  if (options.limits)
    panel
      .thresholds(thresholds(options.limits))
      .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  queries.forEach((query, i) => {
    panel.withTarget(target(query, refIdOf(i)));
  });
  for (const [name, color] of Object.entries(options.colorsByVerdict ? verdictColors : {}))
    panel.overrideByName(name, [{ id: 'color', value: { mode: 'fixed', fixedColor: color } }]);
  return panel;
}

export interface SeriesOptions {
  readonly stacked?: boolean;
  /** Legends are verdicts. */
  readonly colorsByVerdict?: boolean;
  readonly most?: number;
  /** Drawn as dashed lines. */
  readonly limits?: Limits;
}

/** From which value on it is worth a look, and from which on it is bad. Without `warn` there is no in-between. */
export interface Limits {
  readonly warn?: number;
  readonly bad?: number;
  /** Small values are the bad ones: `bad` below which it is. */
  readonly below?: boolean;
}

function thresholds({ warn, bad, below }: Limits): ThresholdsConfigBuilder {
  const steps: Threshold[] = below
    ? [{ value: null, color: colors.bad }]
    : [{ value: null, color: bad === undefined && warn === undefined ? colors.neutral : colors.good }];
  if (below) {
    if (bad !== undefined) steps.push({ value: bad, color: warn === undefined ? colors.good : colors.warn });
    if (warn !== undefined) steps.push({ value: warn, color: colors.good });
  } else {
    if (warn !== undefined) steps.push({ value: warn, color: colors.warn });
    if (bad !== undefined) steps.push({ value: bad, color: colors.bad });
  }
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

/** One number, large. `words` are shown in place of values. */
export function stat(
  text: PanelText,
  query: Query,
  limits: Limits = {},
  words?: Readonly<Record<string, string>>,
): Builder<Panel> {
  const panel = new StatPanelBuilder()
    .title(text.title)
    .description(text.description)
    .datasource(datasource)
    .unit(text.unit)
    .span(text.width ?? 4)
    .height(text.height ?? 4)
    .colorMode(BigValueColorMode.Value)
    .graphMode(words ? BigValueGraphMode.None : BigValueGraphMode.Area)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .thresholds(thresholds(limits))
    .withTarget(target(query, 'A'));
  if (words)
    panel.mappings([
      {
        type: MappingType.ValueToText,
        options: Object.fromEntries(
          Object.entries(words).map(([value, name], index) => [value, { text: name, index }]),
        ),
      },
    ]);
  return panel;
}

/** A click on a value of a column leads to another dashboard, of that value. */
export interface ColumnLink {
  readonly column: string;
  readonly title: string;
  /** uid of the dashboard. */
  readonly to: string;
  /** The dashboard's variable that takes the value. */
  readonly variable: string;
}

/** A row a series, columns by label (`instance` is the box); the last value in `Value`. */
export function table(
  text: PanelText,
  query: Query,
  hidden: readonly string[] = [],
  links: readonly ColumnLink[] = [],
): Builder<Panel> {
  const hide = ['Time', '__name__', 'job', ...hidden];
  const panel = new TablePanelBuilder()
    .title(text.title)
    .description(text.description)
    .datasource(datasource)
    .unit(text.unit)
    .span(text.width ?? 12)
    .height(text.height ?? 8)
    .withTarget(
      new DataqueryBuilder()
        .expr(query.expr)
        .legendFormat(query.legend)
        .refId('A')
        .instant()
        .format(PromQueryFormat.Table)
        .datasource(datasource),
    )
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: Object.fromEntries(hide.map((name) => [name, true])),
        indexByName: { instance: 0 },
        renameByName: { instance: 'box' },
      },
    });
  for (const { column, title, to, variable } of links) {
    // A box stays the box that was chosen, or that of the row.
    const box = variable === 'instance' ? '' : '&$' + '{instance:queryparam}';
    const url = `/d/${to}?var-${variable}=\${__value.raw}${box}&\${datasource:queryparam}&\${__url_time_range}`;
    panel.overrideByName(column, [{ id: 'links', value: [{ title, url }] }]);
  }
  return panel;
}
