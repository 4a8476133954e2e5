/** What happened, the newest first. */
import type { EventRecord } from '../../events/event-log.ts';
import type { State } from '../../live/snapshot.ts';
import { find, html } from '../dom.ts';
import { showState, stateBadge } from './marks.ts';

const MOST = 100;
const tones: Readonly<Record<EventRecord['level'], State>> = {
  debug: 'neutral',
  info: 'neutral',
  warn: 'attention',
  error: 'bad',
};
const words: Readonly<Record<EventRecord['level'], string>> = {
  debug: 'detail',
  info: 'info',
  warn: 'warning',
  error: 'error',
};

export class Events {
  readonly #list = find<HTMLOListElement>('#events ol');
  readonly #none = html('p', { class: 'none' }, 'Nothing since the daemon started.');

  constructor() {
    find('#events').append(this.#none);
  }

  /** All there are, oldest first. */
  replace(events: readonly EventRecord[]): void {
    this.#list.replaceChildren();
    for (const event of events) this.add(event);
    this.#none.hidden = this.#list.childElementCount > 0;
  }

  add(event: EventRecord): void {
    // Details are for the log; here they would bury the rest.
    if (event.level === 'debug') return;
    const at = new Date(event.at);
    const badge = stateBadge();
    showState(badge, tones[event.level], words[event.level]);
    this.#list.prepend(
      html(
        'li',
        {},
        html(
          'time',
          { datetime: at.toISOString(), title: at.toLocaleString() },
          at.toLocaleTimeString([], { hour12: false }),
        ),
        badge,
        html('span', { class: 'text' }, event.text),
        html('code', {}, event.name),
      ),
    );
    while (this.#list.childElementCount > MOST) this.#list.lastElementChild?.remove();
    this.#none.hidden = true;
  }
}
