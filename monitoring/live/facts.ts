/**
 * One line about each part of the box, from the status it gives: in words where the part is known, and as its own keys
 * and values where it is not, so that a new part is seen before anybody wrote words for it.
 */
import type { Fact } from './snapshot.ts';

type Status = Readonly<Record<string, unknown>>;
/** @returns undefined when the status is not of the shape it knows: then keys and values are shown. */
type Describe = (status: Status) => Omit<Fact, 'title'> | undefined;

/** Parts shown elsewhere, as a whole. */
const shownElsewhere: ReadonlySet<string> = new Set(['balancer', 'live']);

const known: Readonly<Record<string, { readonly title: string; readonly describe?: Describe }>> = {};

export function factsOf(parts: Readonly<Record<string, unknown>>): Record<string, Fact> {
  const facts: Record<string, Fact> = {};
  for (const [name, status] of Object.entries(parts)) {
    if (shownElsewhere.has(name) || typeof status !== 'object' || status === null) continue;
    const words = known[name];
    const title = words?.title ?? titleOf(name);
    const described = words?.describe?.(status as Status);
    const text = described?.text ?? keysAndValues(status as Status);
    if (text) facts[name] = { title, text, tone: described?.tone ?? 'neutral' };
  }
  return facts;
}

/** "fib_mirror" and "fibMirror" as "Fib mirror". */
export function titleOf(name: string): string {
  const words = name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[-_]/g, ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The first few plain values of a status: "mode mirror · entries 12". */
export function keysAndValues(status: Status): string {
  const shown: string[] = [];
  for (const [key, value] of Object.entries(status)) {
    if (Array.isArray(value)) shown.push(`${value.length} ${titleOf(key).toLowerCase()}`);
    else if (typeof value === 'boolean') shown.push(`${titleOf(key).toLowerCase()} ${value ? 'yes' : 'no'}`);
    else if (typeof value === 'number' || (typeof value === 'string' && value.length <= 60 && value !== ''))
      shown.push(`${titleOf(key).toLowerCase()} ${value}`);
    if (shown.length === 5) break;
  }
  return shown.join(' · ');
}
