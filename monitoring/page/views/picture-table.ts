/** The picture as a table, for who cannot or does not want to see it; all interfaces are in it. */
import { bitRate, packetRate } from '../../live/format.ts';
import { type LiveInterface, outcomes, type Rate, type Snapshot } from '../../live/snapshot.ts';
import { find, html, KeyedList, write } from '../dom.ts';
import { outcomeNames } from './marks.ts';

const heads = [
  'Interface',
  'State',
  ...outcomes.map((outcome) => outcomeNames[outcome]),
  'Bits in',
  'Packets out',
  'Bits out',
  'Lost after',
];
const wayHeads = ['From', 'To', 'Packets sent by XDP', 'Bits'];

export class PictureTable {
  readonly #list: KeyedList<readonly [string, LiveInterface], HTMLTableRowElement>;
  readonly #ways: KeyedList<readonly [string, string, Rate], HTMLTableRowElement>;

  constructor() {
    const body = addTable(heads, 'By interface');
    const ways = addTable(wayHeads, 'Ways through the box');
    this.#ways = new KeyedList(
      ways,
      () => html('tr', {}, html('th', { scope: 'row' }), ...wayHeads.slice(1).map(() => html('td'))),
      (row, [from, to, { packets, bytes }]) => {
        for (const [i, text] of [from, to, packetRate(packets), bitRate(bytes)].entries())
          write(row.children[i]!, text);
      },
    );
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
          packetRate(port.lost ?? 0),
        ];
        for (const [i, text] of cells.entries()) write(row.children[i]!, text);
      },
    );
  }

  show({ interfaces }: Snapshot): void {
    const ports = Object.entries(interfaces);
    this.#list.show(ports.map(([name, port]) => [name, [name, port] as const]));
    this.#ways.show(
      ports.flatMap(([from, port]) =>
        Object.entries(port.to).map(([to, rate]) => [`${from} ${to}`, [from, to, rate] as const] as const),
      ),
    );
  }
}

/** @returns the body of a new table. */
function addTable(columns: readonly string[], caption: string): HTMLTableSectionElement {
  const body = html('tbody');
  const head = html('tr', {}, ...columns.map((column) => html('th', { scope: 'col' }, column)));
  const table = html('table', { class: 'numbers' }, html('caption', {}, caption), html('thead', {}, head), body);
  find('#picture-table .scroll').append(table);
  return body;
}
