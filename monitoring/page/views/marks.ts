/** Signs for outcomes and states: a shape and a word beside each color. */
import type { Outcome, State } from '../../live/snapshot.ts';
import { html } from '../dom.ts';

export const outcomeNames: Readonly<Record<Outcome, string>> = {
  fast: 'Fast path',
  kernel: 'Kernel',
  dropped: 'Dropped',
};

const outcomeSigns: Readonly<Record<Outcome, string>> = { fast: '»', kernel: '◇', dropped: '×' };
const stateSigns: Readonly<Record<State, string>> = { good: '✓', attention: '!', bad: '✕', neutral: '·' };

/** "◇ Kernel" */
export function outcomeTag(outcome: Outcome): HTMLElement {
  return html(
    'span',
    { class: `tag ${outcome}` },
    html('span', { 'aria-hidden': 'true', class: 'sign' }, outcomeSigns[outcome]),
    outcomeNames[outcome],
  );
}

export function outcomeSign(outcome: Outcome): string {
  return outcomeSigns[outcome];
}

/** A badge that `showState` fills. */
export function stateBadge(): HTMLElement {
  return html('span', { class: 'badge' }, html('span', { 'aria-hidden': 'true', class: 'sign' }), html('span'));
}

export function showState(badge: Element, tone: State, word: string): void {
  const [sign, text] = badge.children;
  if (badge.className !== `badge ${tone}`) badge.className = `badge ${tone}`;
  if (sign && sign.textContent !== stateSigns[tone]) sign.textContent = stateSigns[tone];
  if (text && text.textContent !== word) text.textContent = word;
}
