/**
 * The picture: interfaces packets come in by, who handles them, and interfaces they leave by, joined by bands as wide as
 * their packet rates. Colors are doubled by patterns and words, and the table beside it says the same in text.
 */
import { bitRate, packetRate } from '../../live/format.ts';
import { type LiveInterface, type Outcome, outcomes, type Snapshot } from '../../live/snapshot.ts';
import { find, KeyedList, set, svg, write } from '../dom.ts';
import { type Box, column, ribbon, spine, stack } from './geometry.ts';
import { outcomeNames, outcomeSign } from './marks.ts';

const ROWS = 8;
const CARD = 62;
const GAP = 14;
/** Height of all packets together, in pixels. */
const BAND = 46;
const THINNEST = 1.5;

interface Band {
  readonly kind: Outcome;
  readonly path: string;
  readonly spine: string;
  readonly packets: number;
  readonly width: number;
}

interface Card {
  readonly box: Box;
  readonly kind: string;
  readonly name: string;
  readonly detail: string;
  readonly lines: readonly string[];
}

export class Picture {
  readonly #place = find('#picture');
  readonly #root = svg('svg', { role: 'img', class: 'flows' }, patterns());
  readonly #bands: KeyedList<Band, SVGGElement>;
  readonly #cards: KeyedList<Card, SVGGElement>;
  readonly #scores = new Map<string, number>();
  #last: Snapshot | undefined;

  constructor() {
    const bands = svg('g');
    const cards = svg('g');
    this.#root.append(bands, cards);
    this.#place.append(this.#root);
    this.#bands = new KeyedList(bands, createBand, updateBand);
    this.#cards = new KeyedList(cards, createCard, updateCard);
    new ResizeObserver(() => this.#last && this.#draw(this.#last)).observe(this.#place);
  }

  show(snapshot: Snapshot): void {
    this.#last = snapshot;
    this.#draw(snapshot);
  }

  #draw(snapshot: Snapshot): void {
    const width = this.#place.clientWidth;
    if (width === 0) return;
    const rows = this.#choose(snapshot.interfaces);
    const narrow = width < 620;
    const cardWidth = narrow ? Math.min(132, width * 0.4) : Math.min(190, width * 0.22);
    const middleWidth = narrow ? Math.min(120, width * 0.36) : 150;
    const height = Math.max(rows.length, 3) * (CARD + GAP) + GAP;
    const centerX = narrow ? width - middleWidth : (width - middleWidth) / 2;

    const left = column(rows.length, 0, cardWidth, CARD, GAP, height);
    const middle = column(3, centerX, middleWidth, CARD, GAP, height);
    const right = narrow ? [] : column(rows.length, width - cardWidth, cardWidth, CARD, GAP, height);
    const all = sum(outcomes.map((outcome) => snapshot.traffic[outcome].packets));
    const thickness = (packets: number): number =>
      packets <= 0 ? 0 : Math.max(THINNEST, (BAND * packets) / Math.max(all, 1));

    const bands: [string, Band][] = [];
    const add = (
      key: string,
      kind: Band['kind'],
      packets: number,
      from: readonly number[],
      to: readonly number[],
    ): void => {
      const wide = thickness(packets);
      const [x0 = 0, y0 = 0] = from;
      const [x1 = 0, y1 = 0] = to;
      if (wide > 0)
        bands.push([
          key,
          { kind, packets, width: wide, path: ribbon(x0, y0, x1, y1, wide), spine: spine(x0, y0, x1, y1) },
        ]);
    };

    const arriving = outcomes.map((outcome, i) =>
      stack(
        middle[i]!,
        rows.map(([, row]) => thickness(row.in[outcome].packets)),
      ),
    );
    for (const [r, [name, row]] of rows.entries()) {
      const leaving = stack(
        left[r]!,
        outcomes.map((outcome) => thickness(row.in[outcome].packets)),
      );
      for (const [o, outcome] of outcomes.entries())
        add(
          `${name} ${outcome}`,
          outcome,
          row.in[outcome].packets,
          [cardWidth, leaving[o]!],
          [centerX, arriving[o]![r]!],
        );
    }
    if (!narrow) {
      // What XDP sent is known by its way; what else left was the kernel's.
      const kernelOf = (row: LiveInterface): number => Math.max(0, row.out.packets - row.sent.packets);
      const edge = centerX + middleWidth;
      const leaving = (outcome: number, of: (row: LiveInterface) => number): number[] =>
        stack(
          middle[outcome]!,
          rows.map(([, row]) => thickness(of(row))),
        );
      const fast = leaving(0, (row) => row.sent.packets);
      const kernel = leaving(1, kernelOf);
      for (const [r, [name, row]] of rows.entries()) {
        const [fastAt = 0, kernelAt = 0] = stack(right[r]!, [thickness(row.sent.packets), thickness(kernelOf(row))]);
        add(`${name} out fast`, 'fast', row.sent.packets, [edge, fast[r]!], [width - cardWidth, fastAt]);
        add(`${name} out kernel`, 'kernel', kernelOf(row), [edge, kernel[r]!], [width - cardWidth, kernelAt]);
      }
    }

    set(this.#root, { width, height, viewBox: `0 0 ${width} ${height}`, 'aria-label': describe(snapshot) });
    this.#bands.show(bands);
    this.#cards.show([
      ...rows.map(([name, row], r): [string, Card] => [`in ${name}`, inCard(left[r]!, name, row)]),
      ...outcomes.map((outcome, i): [string, Card] => [
        `outcome ${outcome}`,
        outcomeCard(middle[i]!, outcome, snapshot),
      ]),
      ...right.map((box, r): [string, Card] => [`out ${rows[r]![0]}`, outCard(box, rows[r]![0], rows[r]![1])]),
    ]);
  }

  /** The busiest interfaces of late, by name; what does not fit is one row of its own. */
  #choose(interfaces: Snapshot['interfaces']): [string, LiveInterface][] {
    const rows = Object.entries(interfaces).sort(([a], [b]) => a.localeCompare(b, undefined, { numeric: true }));
    if (rows.length <= ROWS) return rows;
    const score = (name: string, row: LiveInterface): number => {
      const now = sum(outcomes.map((outcome) => row.in[outcome].packets)) + row.out.packets;
      const value = Math.max(now, (this.#scores.get(name) ?? 0) * 0.98);
      this.#scores.set(name, value);
      return value;
    };
    const ranked = rows.map(([name, row]) => ({ name, score: score(name, row) })).sort((a, b) => b.score - a.score);
    const chosen = new Set(ranked.slice(0, ROWS - 1).map(({ name }) => name));
    const others = rows.filter(([name]) => !chosen.has(name)).map(([, row]) => row);
    return [...rows.filter(([name]) => chosen.has(name)), [`${others.length} others`, together(others)]];
  }
}

function together(rows: readonly LiveInterface[]): LiveInterface {
  const rate = (of: (row: LiveInterface) => { packets: number; bytes: number }) => ({
    packets: sum(rows.map((row) => of(row).packets)),
    bytes: sum(rows.map((row) => of(row).bytes)),
  });
  const lost = sum(rows.map((row) => row.lost ?? 0));
  return {
    up: true,
    mode: '',
    transmits: true,
    mtu: 0,
    in: {
      fast: rate((row) => row.in.fast),
      kernel: rate((row) => row.in.kernel),
      dropped: rate((row) => row.in.dropped),
    },
    out: rate((row) => row.out),
    sent: rate((row) => row.sent),
    ...(lost > 0 ? { lost } : {}),
    to: {},
  };
}

function inCard(box: Box, name: string, row: LiveInterface): Card {
  const packets = sum(outcomes.map((outcome) => row.in[outcome].packets));
  const bytes = sum(outcomes.map((outcome) => row.in[outcome].bytes));
  const state = row.problem ? '✕ not attached' : !row.up ? '○ down' : row.mode === 'none' ? '○ not attached' : row.mode;
  const kind = row.problem ? 'bad' : row.up ? '' : 'faint';
  return { box, kind, name, detail: state, lines: [`in ${packetRate(packets)}`, bitRate(bytes)] };
}

function outCard(box: Box, name: string, row: LiveInterface): Card {
  const detail = row.lost
    ? `✕ ${packetRate(row.lost)} lost`
    : row.transmits || row.mode === ''
      ? ''
      : 'sent by the kernel';
  return {
    box,
    kind: row.lost ? 'bad' : row.up ? '' : 'faint',
    name,
    detail,
    lines: [`out ${packetRate(row.out.packets)}`, bitRate(row.out.bytes)],
  };
}

function outcomeCard(box: Box, outcome: Outcome, { traffic }: Snapshot): Card {
  const { packets, bytes } = traffic[outcome];
  const name = `${outcomeSign(outcome)} ${outcomeNames[outcome]}`;
  return { box, kind: outcome, name, detail: '', lines: [packetRate(packets), bitRate(bytes)] };
}

function createBand({ kind }: Band): SVGGElement {
  return svg(
    'g',
    { class: `band ${kind}` },
    svg('path', { class: 'body' }),
    svg('path', { class: 'pattern' }),
    svg('path', { class: 'stream' }),
  );
}

function updateBand(group: SVGGElement, band: Band): void {
  const [body, pattern, stream] = group.children;
  set(body!, { d: band.path });
  set(pattern!, { d: band.path });
  set(stream!, { d: band.spine, 'stroke-width': Math.min(2.5, Math.max(1, band.width / 3)) });
  // A packet a second creeps, a million run: the eye tells rates by their logarithm.
  const seconds = Math.max(0.5, 4 - Math.log10(Math.max(1, band.packets)) * 0.6);
  (stream as SVGPathElement).style.setProperty('--pace', `${seconds.toFixed(1)}s`);
}

function createCard(): SVGGElement {
  return svg(
    'g',
    {},
    svg('rect', { rx: 8 }),
    ...['name', 'detail', 'line', 'line second'].map((name) => svg('text', { class: name })),
  );
}

function updateCard(group: SVGGElement, { box, kind, name, detail, lines }: Card): void {
  const [rect, ...texts] = group.children;
  set(group, { class: `node ${kind}` });
  set(rect!, { x: box.x + 0.5, y: box.y + 0.5, width: box.width - 1, height: box.height - 1 });
  const x = box.x + 12;
  const end = box.x + box.width - 12;
  const fits = box.width >= 150;
  const places = [
    { x, y: box.y + 22, text: name },
    { x: end, y: box.y + 22, text: fits ? detail : '', 'text-anchor': 'end' },
    { x, y: box.y + 40, text: lines[0] ?? '' },
    { x, y: box.y + 54, text: lines[1] ?? '' },
  ];
  for (const [i, { text, ...attributes }] of places.entries()) {
    set(texts[i]!, attributes);
    write(texts[i]!, text);
  }
}

/** Hatching for the kernel, dots for what is dropped, nothing for the fast path. */
function patterns(): SVGDefsElement {
  return svg(
    'defs',
    {},
    svg(
      'pattern',
      { id: 'hatch', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
      svg('rect', { width: 2, height: 6, class: 'ink kernel' }),
    ),
    svg(
      'pattern',
      { id: 'dots', width: 6, height: 6, patternUnits: 'userSpaceOnUse' },
      svg('circle', { cx: 3, cy: 3, r: 1.4, class: 'ink dropped' }),
    ),
  );
}

function describe({ interfaces, traffic }: Snapshot): string {
  const parts = outcomes.map((outcome) => `${outcomeNames[outcome]} ${packetRate(traffic[outcome].packets)}`);
  return `Packets from ${Object.keys(interfaces).length} interfaces: ${parts.join(', ')}. The table below has all figures.`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
