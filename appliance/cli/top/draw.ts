/** A snapshot and what the person wants to see, as the lines of a screen: pure, so that it can be tested as text. */
import { duration } from '../../../monitoring/live/index.ts';
import {
  type Frame,
  interfaces,
  parts,
  reasons,
  type Section,
  services,
  sessions,
  summary,
  troubles,
} from './sections.ts';
import { cut, left, paint, sign, widthOf } from './style.ts';

export const views = ['overview', 'interfaces', 'reasons', 'services', 'sessions'] as const;
export type View = (typeof views)[number];

export interface Screen extends Frame {
  /** Lines there are; undefined for as many as it takes. */
  readonly height: number | undefined;
  readonly view: View;
  /** First line shown of a view that is longer than the screen. */
  readonly scroll: number;
  readonly paused: boolean;
  readonly help: boolean;
  /** Seconds since the daemon last answered; undefined while it does. */
  readonly silentSeconds: number | undefined;
}

const helpLines = [
  'Keys',
  '',
  '  o  overview            Tab  next view',
  '  i  interfaces            s  sort by another column',
  '  r  reasons               S  sort the other way round',
  '  v  services              p  pause, and go on',
  '  b  BGP sessions          ?  this help',
  '  ↑ ↓ PgUp PgDn  scroll    q  quit',
  '',
  'Rates are of the last second. "Fast path" is what XDP sent on; the kernel got the',
  'rest, for the reasons listed.',
];

export function draw(screen: Screen): string[] {
  const { width, height } = screen;
  const head = [title(screen), ...summary(screen), ''];
  const foot = height === undefined ? [] : [footer(screen)];
  const room = height === undefined ? undefined : Math.max(0, height - head.length - foot.length);
  const body = screen.help ? helpLines.slice(0, room) : bodyOf(screen, room);
  const filler = room === undefined ? [] : Array<string>(Math.max(0, room - body.length)).fill('');
  const lines = [...head, ...body, ...filler, ...foot].map((line) => cut(line, width));
  return height === undefined ? lines : lines.slice(0, height);
}

function title({ snapshot, style, width, paused, silentSeconds }: Screen): string {
  const { box, healthy, problems, at } = snapshot;
  const state = healthy ? 'all well' : `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`;
  const tone = healthy ? 'good' : 'bad';
  const begin = `${paint(style, 'headrace', 'bold')} ${box.instance} on ${box.host}   ${sign(style, tone)} ${paint(style, state, healthy ? 'green' : 'red')}`;
  const up = `up ${duration((at - box.startedAt) / 1000)}`;
  const end =
    silentSeconds !== undefined
      ? paint(style, `no answer for ${duration(silentSeconds)}, trying again`, 'yellow')
      : paused
        ? paint(style, 'paused', 'reverse')
        : `${up}   ${new Date(at).toTimeString().slice(0, 8)}`;
  return `${left(begin, Math.max(0, width - widthOf(end) - 1))} ${end}`;
}

function footer({ style, view, sort }: Screen): string {
  return paint(style, `${view}   o i r v b: views   s: sort (${sort})   p: pause   ?: help   q: quit`, 'faint');
}

function bodyOf(screen: Screen, room: number | undefined): string[] {
  const of: Readonly<Record<Exclude<View, 'overview'>, (frame: Frame) => Section>> = {
    interfaces,
    reasons,
    services,
    sessions,
  };
  if (screen.view === 'overview') return overview(screen, room);
  const section = of[screen.view](screen);
  const lines = section.lines.length > 0 ? section.lines : ['  none'];
  const visible = room === undefined ? lines : lines.slice(screen.scroll, screen.scroll + Math.max(1, room - 1));
  return [heading(screen, section.title), ...visible];
}

/** Every section that has something to say, each with its fair part of the room. */
function overview(screen: Screen, room: number | undefined): string[] {
  const sections = [troubles, interfaces, reasons, services, sessions, parts]
    .map((make) => make(screen))
    .filter(({ lines }) => lines.length > 0);
  const shown = share(
    sections.map(({ lines }) => lines.length),
    room === undefined ? undefined : room - sections.length * 2 + 1,
  );
  return sections.flatMap(({ title: text, lines }, i) => {
    const most = shown[i]!;
    if (most <= 0) return [];
    const hidden = lines.length - most;
    const more = hidden > 0 ? `   ${hidden} more` : '';
    return [...(i > 0 ? [''] : []), heading(screen, text + more), ...lines.slice(0, most)];
  });
}

function heading({ style }: Screen, text: string): string {
  return paint(style, text, 'bold');
}

/** Gives each what it wants, as far as `room` goes: those that want little get it all, the others get equal parts. */
export function share(wanted: readonly number[], room: number | undefined): number[] {
  if (room === undefined) return [...wanted];
  const given = wanted.map(() => 0);
  let rest = Math.max(0, room);
  while (rest > 0) {
    const open = wanted.flatMap((want, i) => (given[i]! < want ? [i] : []));
    if (open.length === 0) break;
    for (const i of open) {
      if (rest === 0) break;
      given[i]!++;
      rest--;
    }
  }
  return given;
}
