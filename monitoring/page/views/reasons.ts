/** Why packets did not take the fast path, the most frequent first, with a bar for each. */
import { quantity } from '../../live/format.ts';
import type { LiveReason, Snapshot } from '../../live/snapshot.ts';
import { find, html, KeyedList, write } from '../dom.ts';
import { outcomeTag } from './marks.ts';

interface Row {
  readonly reason: LiveReason;
  /** Of the largest, 0 to 1. */
  readonly part: number;
}

export class Reasons {
  readonly #section = find('#reasons');
  readonly #none = html('p', { class: 'none' }, 'Nothing: every packet so far went by the fast path.');
  readonly #list = new KeyedList<Row, HTMLLIElement>(find('ol', this.#section), create, update);

  constructor() {
    this.#section.append(this.#none);
  }

  show({ reasons }: Snapshot): void {
    const rows = reasons.filter((reason) => reason.outcome !== 'fast').slice(0, 8);
    const most = Math.max(1, ...rows.map((row) => row.packets));
    this.#none.hidden = rows.length > 0;
    this.#list.show(
      rows.map((reason) => [`${reason.outcome} ${reason.reason}`, { reason, part: reason.packets / most }]),
    );
  }
}

function create({ reason }: Row): HTMLLIElement {
  return html(
    'li',
    {},
    html('span', { class: 'words' }, reason.words),
    html('span', { class: 'rate' }),
    html(
      'span',
      { class: 'under' },
      outcomeTag(reason.outcome),
      html('code', {}, reason.reason),
      html('span', { class: 'total' }),
    ),
    html('span', { class: `bar ${reason.outcome}`, 'aria-hidden': 'true' }, html('span')),
  );
}

function update(row: HTMLLIElement, { reason, part }: Row): void {
  write(find('.rate', row), `${quantity(reason.packets)} /s`);
  write(find('.total', row), `${quantity(reason.total)} so far`);
  // A tenth of the line for a single packet would lie: the square root shows small ones without hiding large ones.
  find<HTMLElement>('.bar > span', row).style.inlineSize = `${Math.sqrt(part) * 100}%`;
}
