/** The parts of the display: each a title and its lines, from a snapshot. */
import {
  bitRate,
  count,
  type LiveInterface,
  outcomes,
  packetRate,
  percent,
  quantity,
  type Snapshot,
} from '../../../monitoring/live/index.ts';
import { left, outcomeLook, paint, right, type Style, shareBar, sign, sparkline, toned } from './style.ts';

export interface Section {
  readonly title: string;
  readonly lines: readonly string[];
}

export const sortKeys = ['name', 'rate', 'kernel', 'dropped'] as const;
export type SortKey = (typeof sortKeys)[number];

export interface Frame {
  readonly snapshot: Snapshot;
  /** Packets in by interface, a value a second. */
  readonly recent: ReadonlyMap<string, readonly number[]>;
  readonly width: number;
  readonly style: Style;
  readonly sort: SortKey;
  readonly reverse: boolean;
}

export function totalIn(port: LiveInterface): number {
  return outcomes.reduce((sum, outcome) => sum + port.in[outcome].packets, 0);
}

/** Two lines: how much, and who handles it. */
export function summary({ snapshot, width, style }: Frame): string[] {
  const { traffic } = snapshot;
  const packets = outcomes.reduce((sum, outcome) => sum + traffic[outcome].packets, 0);
  const bytes = outcomes.reduce((sum, outcome) => sum + traffic[outcome].bytes, 0);
  const share = (outcome: (typeof outcomes)[number], name: string): string =>
    paint(style, `${name} ${percent(traffic[outcome].packets, packets)}`, outcomeLook[outcome]);
  return [
    [
      paint(style, `in ${packetRate(packets)}`, 'bold'),
      bitRate(bytes),
      share('fast', 'fast path'),
      share('kernel', 'kernel'),
      share('dropped', 'dropped'),
    ].join('   '),
    shareBar(
      style,
      outcomes.map((outcome) => [outcome, traffic[outcome].packets]),
      width,
    ),
  ];
}

export function interfaces(frame: Frame): Section {
  const { snapshot, recent, width, style, sort, reverse } = frame;
  const value: Readonly<Record<SortKey, (port: LiveInterface) => number>> = {
    name: () => 0,
    rate: totalIn,
    kernel: (port) => port.in.kernel.packets,
    dropped: (port) => port.in.dropped.packets,
  };
  const rows = Object.entries(snapshot.interfaces).sort(
    ([a, one], [b, other]) => value[sort](other) - value[sort](one) || a.localeCompare(b, undefined, { numeric: true }),
  );
  if (reverse) rows.reverse();
  const spark = Math.max(0, Math.min(60, width - 68));
  const lines = rows.map(([name, port]) => {
    const tone = port.problem ? 'bad' : !port.up || port.mode === 'none' ? 'attention' : 'good';
    const bytes = outcomes.reduce((sum, outcome) => sum + port.in[outcome].bytes, 0);
    const packets = totalIn(port);
    const state = port.problem ? 'not attached' : !port.up ? 'down' : port.mode === 'none' ? 'not attached' : '';
    return [
      sign(style, tone),
      left(name, 12),
      right(state || packetRate(packets), 12),
      right(bitRate(bytes), 13),
      right(percent(port.in.fast.packets, packets), 9),
      right(quantity(port.in.kernel.packets), 7),
      right(quantity(port.in.dropped.packets), 7),
      paint(style, sparkline(style, recent.get(name) ?? [], spark), 'cyan'),
    ].join(' ');
  });
  const mark = (key: SortKey, text: string): string => (key === sort ? `${text}${reverse ? '^' : 'v'}` : text);
  const title = [
    ' ',
    left(mark('name', 'INTERFACE'), 12),
    right(mark('rate', 'PACKETS IN'), 12),
    right('BITS IN', 13),
    right('FAST PATH', 9),
    right(mark('kernel', 'KERNEL'), 7),
    right(mark('dropped', 'DROP'), 7),
    right(spark >= 11 ? 'LAST MINUTE' : '', spark),
  ].join(' ');
  return { title, lines };
}

export function reasons({ snapshot, width, style }: Frame): Section {
  const rows = snapshot.reasons.filter(({ outcome }) => outcome !== 'fast');
  return {
    title: 'WHY NOT THE FAST PATH',
    lines: rows.map(({ outcome, reason, words, packets, total }) =>
      [
        right(`${quantity(packets)} /s`, 9),
        paint(style, left(outcome, 8), outcomeLook[outcome]),
        left(width >= 110 ? `${words} (${reason})` : words, Math.max(20, width - 38)),
        right(`${quantity(total)} so far`, 16),
      ].join(' '),
    ),
  };
}

export function services({ snapshot, width, style }: Frame): Section {
  const lines = Object.entries(snapshot.services).flatMap(([name, service]) => {
    const backends = Object.entries(service.backends);
    const well = backends.filter(([, { tone }]) => tone === 'good').length;
    return [
      [
        sign(style, service.tone),
        left(name, 16),
        left(service.address, Math.max(18, width - 62)),
        toned(style, service.tone, left(service.state, 12)),
        right(`${well} of ${backends.length} active`, 16),
        right(service.rate ? packetRate(service.rate.packets) : '', 11),
      ].join(' '),
      ...backends.map(([backend, { tone, state, address = '', share, rate, note = '' }]) =>
        [
          ' ',
          sign(style, tone),
          left(backend, 16),
          toned(style, tone, left(state, 12)),
          left(note || address, Math.max(14, width - 62)),
          right(share === undefined ? '' : percent(share, 1), 9),
          right(rate ? packetRate(rate.packets) : '', 11),
        ].join(' '),
      ),
    ];
  });
  return { title: 'SERVICES', lines };
}

export function sessions({ snapshot, width, style }: Frame): Section {
  const rows = Object.values(snapshot.sessions).sort(
    (a, b) => Number(a.tone === 'good') - Number(b.tone === 'good') || a.name.localeCompare(b.name),
  );
  const well = rows.filter(({ tone }) => tone === 'good').length;
  return {
    title: rows.length > 0 ? `BGP SESSIONS  ${well} of ${rows.length} established` : 'BGP SESSIONS',
    lines: rows.map(({ name, neighbor, as, state, tone, routes, note }) =>
      [
        sign(style, tone),
        left(name, 16),
        left(neighbor, 22),
        left(as === undefined ? '' : `AS ${as}`, 13),
        toned(style, tone, left(state, 12)),
        tone === 'good' ? routes : (note ?? ''),
      ]
        .join(' ')
        .slice(0, width * 2),
    ),
  };
}

export function parts({ snapshot, style }: Frame): Section {
  return {
    title: 'THE BOX',
    lines: Object.values(snapshot.facts).map(
      ({ title, text, tone }) => `${sign(style, tone)} ${left(title, 16)} ${text}`,
    ),
  };
}

export function troubles({ snapshot, style }: Frame): Section {
  const { problems, notes } = snapshot;
  return {
    title: `${count(problems.length, 'PROBLEM')}, ${count(notes.length, 'NOTE')}`,
    lines: [
      ...problems.map((text) => `${sign(style, 'bad')} ${toned(style, 'bad', text)}`),
      ...notes.map((text) => `${sign(style, 'attention')} ${text}`),
    ],
  };
}
