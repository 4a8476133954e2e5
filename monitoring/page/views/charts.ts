/**
 * The charts of the last five minutes. Lines differ by color and by stroke; the legend shows the newest values, or
 * those under the pointer. For who cannot see them, a chart says what it shows in words.
 */
import uPlot from 'uplot';
import { bitRate, packetRate, tick } from '../../live/format.ts';
import { type History, type Outcome, outcomes, type Snapshot } from '../../live/snapshot.ts';
import { find, html, set, svg, write } from '../dom.ts';
import { outcomeNames } from './marks.ts';

const SECONDS = 300;
const HEIGHT = 200;
const dashes: Readonly<Record<Outcome, readonly number[]>> = { fast: [], kernel: [7, 4], dropped: [2, 3] };

interface ChartOptions {
  readonly place: string;
  readonly title: string;
  readonly write: (value: number) => string;
  readonly axis: (value: number) => string;
}

class Chart {
  readonly #options: ChartOptions;
  readonly #place: HTMLElement;
  readonly #canvas = html('div', { role: 'img' });
  readonly #values = new Map<Outcome, HTMLElement>();
  readonly #when = html('span', { class: 'when' });
  #data: number[][] = [[], [], [], []];
  #plot: uPlot | undefined;

  constructor(options: ChartOptions) {
    this.#options = options;
    this.#place = find(options.place);
    this.#place.append(this.#canvas, this.#legend());
    new ResizeObserver(() => this.#plot?.setSize({ width: this.#place.clientWidth, height: HEIGHT })).observe(
      this.#place,
    );
    for (const query of ['(prefers-color-scheme: dark)', '(prefers-contrast: more)'])
      matchMedia(query).addEventListener('change', () => this.#make());
  }

  replace(at: readonly number[], lists: readonly (readonly number[])[]): void {
    this.#data = [[...at], ...lists.map((list) => [...list])];
    if (this.#plot) this.#refresh();
    else this.#make();
  }

  add(at: number, values: readonly number[]): void {
    const times = this.#data[0]!;
    if (times.length > 0 && at <= times[times.length - 1]!) return;
    for (const [i, value] of [at, ...values].entries()) {
      const list = this.#data[i]!;
      list.push(value);
      if (list.length > SECONDS) list.shift();
    }
    this.#refresh();
  }

  #refresh(): void {
    if (!this.#plot) return;
    this.#plot.setData(this.#data as uPlot.AlignedData);
    this.#showValues(this.#plot.cursor.idx ?? undefined);
    const { title, write: inWords } = this.#options;
    const said = outcomes.map((outcome, i) => {
      const list = this.#data[i + 1]!;
      return `${outcomeNames[outcome]} now ${inWords(list.at(-1) ?? 0)}, at most ${inWords(Math.max(0, ...list))}`;
    });
    set(this.#canvas, { 'aria-label': `${title} over the last five minutes: ${said.join('; ')}` });
  }

  #make(): void {
    this.#plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const color = (name: string): string => style.getPropertyValue(`--${name}`).trim();
    const font = `12px ${style.getPropertyValue('--font')}`;
    const axis = { stroke: color('muted'), font, grid: { stroke: color('grid'), width: 1 }, ticks: { show: false } };
    this.#plot = new uPlot(
      {
        width: this.#place.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        padding: [8, 28, 0, 0],
        cursor: { sync: { key: 'live' }, drag: { x: false, y: false }, points: { size: 7 } },
        scales: {
          x: { range: (_, _min, max) => [max - SECONDS, max] },
          y: { range: (_, _min, max) => [0, Math.max(10, (max ?? 0) * 1.1)] },
        },
        axes: [
          { ...axis, size: 30, values: (_, ticks) => ticks.map(clock), space: 90 },
          { ...axis, size: 58, values: (_, ticks) => ticks.map(this.#options.axis) },
        ],
        series: [
          {},
          ...outcomes.map((outcome) => ({
            label: outcomeNames[outcome],
            stroke: color(outcome),
            width: outcome === 'fast' ? 2 : 1.75,
            dash: [...dashes[outcome]],
            points: { show: false },
            ...(outcome === 'fast' ? { fill: color('fast-faint') } : {}),
          })),
        ],
        hooks: { setCursor: [(plot) => this.#showValues(plot.cursor.idx ?? undefined)] },
      },
      this.#data as uPlot.AlignedData,
      this.#canvas,
    );
    this.#refresh();
  }

  #showValues(index: number | undefined): void {
    const times = this.#data[0]!;
    const at = index ?? times.length - 1;
    for (const [i, outcome] of outcomes.entries())
      write(this.#values.get(outcome)!, this.#options.write(this.#data[i + 1]![at] ?? 0));
    write(this.#when, index === undefined ? 'now' : clock(times[at] ?? 0));
  }

  #legend(): HTMLElement {
    const items = outcomes.map((outcome) => {
      const value = html('span', { class: 'value' });
      this.#values.set(outcome, value);
      const line = svg('line', {
        x1: 0,
        x2: 26,
        y1: 5,
        y2: 5,
        class: outcome,
        'stroke-dasharray': dashes[outcome].join(' ') || undefined,
      });
      return html(
        'li',
        {},
        svg('svg', { width: 26, height: 10, 'aria-hidden': 'true' }, line),
        outcomeNames[outcome],
        ' ',
        value,
      );
    });
    return html('ul', { class: 'legend' }, ...items, html('li', { class: 'last' }, this.#when));
  }
}

function clock(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
}

export class Charts {
  readonly #packets = new Chart({
    place: '#packets-chart',
    title: 'Packets per second',
    write: packetRate,
    axis: tick,
  });
  readonly #bits = new Chart({
    place: '#bits-chart',
    title: 'Bits per second',
    write: bitRate,
    axis: (bytes) => tick(bytes * 8),
  });

  replace({ at, packets, bytes }: History): void {
    this.#packets.replace(
      at,
      outcomes.map((outcome) => packets[outcome]),
    );
    this.#bits.replace(
      at,
      outcomes.map((outcome) => bytes[outcome]),
    );
  }

  show({ at, traffic }: Snapshot): void {
    const seconds = Math.round(at / 1000);
    this.#packets.add(
      seconds,
      outcomes.map((outcome) => traffic[outcome].packets),
    );
    this.#bits.add(
      seconds,
      outcomes.map((outcome) => traffic[outcome].bytes),
    );
  }
}
