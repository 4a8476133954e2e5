/** BGP sessions of BIRD and FRR; those that are not established stand first. */
import type { LiveSession, Snapshot } from '../../live/snapshot.ts';
import { find, html, KeyedList, write } from '../dom.ts';
import { showState, stateBadge } from './marks.ts';

const heads = ['State', 'Session', 'Daemon', 'Neighbor', 'AS', 'Routes', 'Since', 'Note'];

export class Sessions {
  readonly #section = find('#sessions');
  readonly #list: KeyedList<LiveSession, HTMLTableRowElement>;

  constructor() {
    const body = html('tbody');
    find('.scroll', this.#section).append(
      html(
        'table',
        {},
        html('thead', {}, html('tr', {}, ...heads.map((head) => html('th', { scope: 'col' }, head)))),
        body,
      ),
    );
    this.#list = new KeyedList<LiveSession, HTMLTableRowElement>(
      body,
      () =>
        html(
          'tr',
          {},
          html('td', {}, stateBadge()),
          html('th', { scope: 'row' }),
          ...heads.slice(2).map(() => html('td')),
        ),
      (row, session) => {
        showState(find('.badge', row), session.tone, session.state);
        const { name, daemon, neighbor, as, routes, since, note } = session;
        for (const [i, text] of [
          name,
          daemon === 'bird' ? 'BIRD' : 'FRR',
          neighbor,
          as ?? '',
          routes,
          shortTime(since),
          note ?? '',
        ].entries())
          write(row.children[i + 1]!, String(text));
      },
    );
  }

  show({ sessions }: Snapshot): void {
    const rows = Object.entries(sessions).sort(([a, one], [b, other]) => rank(one) - rank(other) || a.localeCompare(b));
    this.#section.hidden = rows.length === 0;
    this.#list.show(rows);
  }
}

function rank({ tone }: LiveSession): number {
  return tone === 'good' ? 1 : 0;
}

/** An ISO time in this browser's way; what BIRD writes stays as it is. */
function shortTime(since: string | undefined): string {
  if (since === undefined) return '';
  const at = /^\d{4}-\d\d-\d\dT/.test(since) ? new Date(since) : undefined;
  return at ? at.toLocaleString([], { dateStyle: 'short', timeStyle: 'medium' }) : since.replace(/\.\d+$/, '');
}
