/** The picture as a table, for who cannot or does not want to see it; all interfaces are in it. */
import { bitRate, packetRate } from '../../live/format.ts';
import { type LiveInterface, outcomes, type Snapshot } from '../../live/snapshot.ts';
import { find, html, KeyedList, write } from '../dom.ts';
import { outcomeNames } from './marks.ts';

const heads = [
  'Interface',
  'State',
  ...outcomes.map((outcome) => outcomeNames[outcome]),
  'Bits in',
  'Packets out',
  'Bits out',
];

export class PictureTable {
  readonly #list: KeyedList<readonly [string, LiveInterface], HTMLTableRowElement>;

  constructor() {
    const body = html('tbody');
    const table = html(
      'table',
      { class: 'numbers' },
      html('thead', {}, html('tr', {}, ...heads.map((head) => html('th', { scope: 'col' }, head)))),
      body,
    );
    find('#picture-table .scroll').append(table);
    this.#list = new KeyedList(
      body,
      () => html('tr', {}, html('th', { scope: 'row' }), ...heads.slice(1).map(() => html('td'))),
      (row, [name, port]) => {
        const bytes = outcomes.reduce((total, outcome) => total + port.in[outcome].bytes, 0);
        const cells = [
          name,
          port.problem ?? `${port.up ? 'up' : 'down'}, ${port.mode === 'none' ? 'not attached' : `XDP ${port.mode}`}`,
          ...outcomes.map((outcome) => packetRate(port.in[outcome].packets)),
          bitRate(bytes),
          packetRate(port.out.packets),
          bitRate(port.out.bytes),
        ];
        for (const [i, text] of cells.entries()) write(row.children[i]!, text);
      },
    );
  }

  show({ interfaces }: Snapshot): void {
    this.#list.show(Object.entries(interfaces).map(([name, port]) => [name, [name, port] as const]));
  }
}
