/** What is wrong and what should be known, each with what to do about it; nothing is shown when there is neither. */
import type { Snapshot } from '../../live/snapshot.ts';
import { find, html, KeyedList } from '../dom.ts';
import { showState, stateBadge } from './marks.ts';

interface Trouble {
  readonly text: string;
  readonly bad: boolean;
}

export class Troubles {
  readonly #section = find('#troubles');
  readonly #list = new KeyedList<Trouble, HTMLLIElement>(
    find('ul', this.#section),
    ({ text, bad }) => {
      const badge = stateBadge();
      showState(badge, bad ? 'bad' : 'attention', bad ? 'Problem' : 'Note');
      return html('li', {}, badge, sentences(text));
    },
    () => {},
  );

  show({ problems, notes }: Snapshot): void {
    this.#section.hidden = problems.length + notes.length === 0;
    this.#list.show([
      ...problems.map((text): [string, Trouble] => [`problem ${text}`, { text, bad: true }]),
      ...notes.map((text): [string, Trouble] => [`note ${text}`, { text, bad: false }]),
    ]);
  }
}

/** Commands stand in quotes in our sentences: they are shown as code, to be copied. */
function sentences(text: string): HTMLElement {
  const paragraph = html('p');
  for (const [i, part] of text.split('"').entries()) paragraph.append(i % 2 === 1 ? html('code', {}, part) : part);
  return paragraph;
}
