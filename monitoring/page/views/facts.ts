/** The box itself, and one line about each of its parts. */
import { duration } from '../../live/format.ts';
import type { Fact, Snapshot } from '../../live/snapshot.ts';
import { find, html, KeyedList, write } from '../dom.ts';
import { showState, stateBadge } from './marks.ts';

export class Facts {
  readonly #list = new KeyedList<Fact, HTMLDivElement>(
    find('#facts dl'),
    () => html('div', {}, html('dt'), html('dd', {}, html('span'), ' ', stateBadge())),
    (row, { title, text, tone }) => {
      write(find('dt', row), title);
      write(find('dd > span', row), text);
      const badge = find('.badge', row);
      badge.hidden = tone === 'neutral' || tone === 'good';
      showState(badge, tone, tone === 'bad' ? 'problem' : 'look here');
    },
  );

  show({ at, box, facts }: Snapshot): void {
    const line = (title: string, text: string): Fact => ({ title, text, tone: 'neutral' });
    this.#list.show([
      [
        'daemon',
        line('Daemon', `version ${box.version}, pid ${box.pid}, for ${duration((at - box.startedAt) / 1000)}`),
      ],
      ['kernel', line('Kernel', `Linux ${box.kernel}`)],
      ['config', line('Configuration', box.configFile)],
      ...Object.entries(facts).map(([name, fact]): [string, Fact] => [`part ${name}`, fact]),
    ]);
  }
}
