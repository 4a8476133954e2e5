/** Services and their backends: each service a part that opens, with a bar of its backends by state. */
import { count, packetRate, percent } from '../../live/format.ts';
import type { LiveBackend, LiveService, Snapshot, State } from '../../live/snapshot.ts';
import { find, html, KeyedList, write } from '../dom.ts';
import { showState, stateBadge } from './marks.ts';

const order: readonly State[] = ['bad', 'attention', 'neutral', 'good'];
/** More services than these start closed, but for those in trouble. */
const FEW = 6;

export class Services {
  readonly #section = find('#services');
  readonly #list = new KeyedList<Named<LiveService>, HTMLDetailsElement>(find('.list', this.#section), create, update);
  readonly #opened = new WeakSet<Element>();

  show({ services }: Snapshot): void {
    const rows = Object.entries(services).sort(
      ([a, one], [b, other]) => order.indexOf(one.tone) - order.indexOf(other.tone) || a.localeCompare(b),
    );
    this.#section.hidden = rows.length === 0;
    const bad = rows.filter(([, { tone }]) => tone === 'bad').length;
    write(find('.hint', this.#section), `${count(rows.length, 'service')}${bad > 0 ? `, ${bad} not well` : ''}`);
    this.#list.show(rows.map(([name, item]) => [name, { name, item }]));
    for (const [i, element] of [...find('.list', this.#section).children].entries()) {
      if (this.#opened.has(element)) continue;
      this.#opened.add(element);
      (element as HTMLDetailsElement).open = rows.length <= FEW || rows[i]?.[1].tone === 'bad';
    }
  }
}

interface Named<T> {
  readonly name: string;
  readonly item: T;
}

const backendLists = new WeakMap<Element, KeyedList<Named<LiveBackend>, HTMLTableRowElement>>();

function create({ name }: Named<LiveService>): HTMLDetailsElement {
  const body = html('tbody');
  const heads = ['State', 'Backend', 'Address', 'Weight', 'Share', 'Packets', 'Note'];
  const element = html(
    'details',
    { class: 'service' },
    html(
      'summary',
      {},
      html('span', { class: 'name' }, name),
      html('code', { class: 'address' }),
      stateBadge(),
      html('span', { class: 'health' }),
      html('span', { class: 'rate' }),
    ),
    html('p', { class: 'note' }),
    html(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Backends of ${name}` },
      html(
        'table',
        {},
        html('thead', {}, html('tr', {}, ...heads.map((head) => html('th', { scope: 'col' }, head)))),
        body,
      ),
    ),
  );
  backendLists.set(element, new KeyedList(body, createBackend, updateBackend));
  return element;
}

function update(element: HTMLDetailsElement, { item: service }: Named<LiveService>): void {
  write(find('.address', element), service.address);
  showState(find('summary > .badge', element), service.tone, service.state);
  const backends = Object.entries(service.backends);
  const well = backends.filter(([, { tone }]) => tone === 'good').length;
  write(find('.health', element), `${well} of ${count(backends.length, 'backend')} active`);
  write(find('.rate', element), service.rate ? packetRate(service.rate.packets) : '');
  const note = find('.note', element);
  write(note, service.note ?? '');
  note.hidden = !service.note;
  backendLists
    .get(element)
    ?.show(
      backends
        .sort(([a, one], [b, other]) => order.indexOf(one.tone) - order.indexOf(other.tone) || a.localeCompare(b))
        .map(([name, item]) => [name, { name, item }]),
    );
}

function createBackend(): HTMLTableRowElement {
  return html(
    'tr',
    {},
    html('td', {}, stateBadge()),
    html('th', { scope: 'row' }),
    ...Array.from({ length: 5 }, (_, i) => html('td', { class: i === 1 || i === 2 || i === 3 ? 'number' : '' })),
  );
}

function updateBackend(row: HTMLTableRowElement, { name, item }: Named<LiveBackend>): void {
  showState(find('.badge', row), item.tone, item.state);
  const { address = '', weight, share, rate, note = '' } = item;
  const cells = [
    name,
    address,
    weight === undefined ? '' : String(weight),
    share === undefined ? '' : percent(share, 1),
    rate ? packetRate(rate.packets) : '',
    note,
  ];
  for (const [i, text] of cells.entries()) write(row.children[i + 1]!, text);
}
