/** Five figures that say how much there is to do and who does it. */
import { percent, scaled } from '../../live/format.ts';
import type { Snapshot } from '../../live/snapshot.ts';
import { find, html, write } from '../dom.ts';

interface Figure {
  readonly label: string;
  readonly kind: string;
  readonly of: (snapshot: Snapshot) => { readonly number: string; readonly unit: string; readonly more?: string };
}

const all = ({ traffic: { fast, kernel, dropped } }: Snapshot): number =>
  fast.packets + kernel.packets + dropped.packets;

const rate = (value: number, unit: string): { number: string; unit: string } => {
  const { number, prefix } = scaled(value);
  return { number, unit: `${prefix}${unit}` };
};

const figures: readonly Figure[] = [
  {
    label: 'On the fast path',
    kind: 'fast',
    of: (snapshot) => {
      const [number = '–', unit = ''] = percent(snapshot.traffic.fast.packets, all(snapshot)).split(/ (?=%)/);
      return { number, unit };
    },
  },
  { label: 'Packets in', kind: 'plain', of: (snapshot) => rate(all(snapshot), 'pps') },
  {
    label: 'Traffic in',
    kind: 'plain',
    of: ({ traffic: { fast, kernel, dropped } }) => rate((fast.bytes + kernel.bytes + dropped.bytes) * 8, 'bit/s'),
  },
  { label: 'To the kernel', kind: 'kernel', of: ({ traffic }) => rate(traffic.kernel.packets, 'pps') },
  { label: 'Dropped', kind: 'dropped', of: ({ traffic }) => rate(traffic.dropped.packets, 'pps') },
];

export class Figures {
  readonly #shown: readonly { readonly figure: Figure; readonly number: HTMLElement; readonly unit: HTMLElement }[];

  constructor() {
    const list = html('dl');
    this.#shown = figures.map((figure) => {
      const number = html('span', { class: 'number' }, '–');
      const unit = html('span', { class: 'unit' });
      list.append(
        html(
          'div',
          { class: `card figure ${figure.kind}` },
          html('dt', {}, figure.label),
          html('dd', {}, number, ' ', unit),
        ),
      );
      return { figure, number, unit };
    });
    find('#figures').append(list);
  }

  show(snapshot: Snapshot): void {
    for (const { figure, number, unit } of this.#shown) {
      const value = figure.of(snapshot);
      write(number, value.number);
      write(unit, value.unit);
    }
  }
}
