/** The head of the page: which box, whether all is well, and whether what is shown is live. */
import { count, duration } from '../../live/format.ts';
import type { Snapshot } from '../../live/snapshot.ts';
import { find, write } from '../dom.ts';
import { showState, stateBadge } from './marks.ts';

export class Header {
  readonly #box = find('#box');
  readonly #verdict = stateBadge();
  readonly #connection = stateBadge();
  #lostAt: number | undefined;
  #pid: number | undefined;
  #restartedUntil = 0;

  constructor() {
    find('#verdict').append(this.#verdict);
    find('#connection').append(this.#connection);
    showState(this.#connection, 'neutral', 'connecting');
    setInterval(() => this.#age(), 1000);
  }

  show(snapshot: Snapshot): void {
    const { box, problems, healthy } = snapshot;
    if (this.#pid !== undefined && this.#pid !== box.pid) this.#restartedUntil = Date.now() + 10_000;
    this.#pid = box.pid;
    write(this.#box, `${box.instance} on ${box.host}`);
    const word = healthy ? 'All well' : count(problems.length, 'problem');
    showState(this.#verdict, healthy ? 'good' : 'bad', word);
    const title = `${healthy ? '✓' : '✕'} ${box.instance}: ${word.toLowerCase()} – Headrace`;
    if (document.title !== title) document.title = title;
    this.#lostAt = undefined;
    document.body.classList.remove('stale');
    const restarted = Date.now() < this.#restartedUntil;
    showState(
      this.#connection,
      restarted ? 'attention' : 'good',
      restarted ? 'live again: the daemon was restarted' : 'live',
    );
  }

  lost(): void {
    this.#lostAt ??= Date.now();
    document.body.classList.add('stale');
    this.#age();
  }

  #age(): void {
    if (this.#lostAt === undefined) return;
    // Announced once, not every second: the age is for the eye.
    const seconds = (Date.now() - this.#lostAt) / 1000;
    const age = seconds < 10 ? '' : `, ${duration(Math.floor(seconds / 10) * 10)}`;
    showState(this.#connection, 'attention', `no answer${age}: trying again`);
  }
}
