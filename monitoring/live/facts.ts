/**
 * One line about each part of the box, from the status it gives: in words where the part is known, and as its own keys
 * and values where it is not, so that a new part is seen before anybody wrote words for it.
 */
import { count } from './format.ts';
import type { Fact } from './snapshot.ts';

type Status = Readonly<Record<string, unknown>>;
/** @returns undefined when the status is not of the shape it knows: then keys and values are shown. */
type Describe = (status: Status) => Omit<Fact, 'title'> | undefined;

/** Parts shown elsewhere, as a whole. */
const shownElsewhere: ReadonlySet<string> = new Set(['balancer', 'live']);

const known: Readonly<Record<string, { readonly title: string; readonly describe?: Describe }>> = {
  fib: {
    title: 'Route lookup',
    describe: ({ mode, why }) => {
      const ways: Readonly<Record<string, string>> = {
        helper: "the kernel's own lookup",
        mirror: "tables mirrored from the kernel's",
      };
      if (typeof mode !== 'string') return undefined;
      return { text: `${ways[mode] ?? mode}${typeof why === 'string' && why ? ` (${why})` : ''}`, tone: 'good' };
    },
  },
  firewall: {
    title: 'Firewall',
    describe: ({ claims }) => {
      if (!Array.isArray(claims)) return undefined;
      if (claims.length === 0) return { text: 'no rules that the fast path would skip', tone: 'good' };
      const names = (action: string): string => {
        const all = (claims as readonly Status[]).filter((claim) => claim['action'] === action);
        return [...new Set(all.map((claim) => String(claim['interface'])))].join(', ');
      };
      const parts = [
        names('kernel') && `rules apply: the kernel forwards for ${names('kernel')}`,
        names('bypass') && `rules are skipped on ${names('bypass')}, as configured`,
      ].filter(Boolean);
      return { text: parts.join('; '), tone: 'attention' };
    },
  },
  neighbors: {
    title: 'Neighbors',
    describe: ({ kept, resolved }) => {
      if (typeof kept !== 'number' || typeof resolved !== 'number') return undefined;
      const text = `${resolved} of ${count(kept, 'next hop')} resolved and kept so`;
      return { text, tone: resolved < kept ? 'attention' : 'good' };
    },
  },
  announcements: {
    title: 'Announcements',
    describe: ({ vips, wanted, announced }) => {
      if (typeof vips !== 'number' || typeof wanted !== 'number' || typeof announced !== 'number') return undefined;
      const text = vips === 0 ? 'no VIP to announce' : `${announced} of ${count(vips, 'VIP')} announced`;
      return { text, tone: announced < wanted ? 'bad' : 'good' };
    },
  },
  losses: {
    title: 'Lost on the way',
    describe: ({ counted, lost }) => {
      if (typeof counted !== 'boolean' || !Array.isArray(lost)) return undefined;
      if (!counted) return { text: 'not counted: see the notes', tone: 'attention' };
      if (lost.length === 0) return { text: 'nothing', tone: 'good' };
      const each = (lost as readonly Status[]).map((row) => {
        const { interface: name, cause, packets } = row;
        return `${count(Number(packets), 'packet')} for ${name || 'others'} (${cause})`;
      });
      return { text: each.join(', '), tone: 'neutral' };
    },
  },
  checks: {
    title: 'Health checks',
    describe: ({ up, down, unknown, panic }) => {
      if (typeof up !== 'number' || typeof down !== 'number' || typeof unknown !== 'number') return undefined;
      const all = up + down + unknown;
      if (all === 0) return { text: 'no backend is checked', tone: 'neutral' };
      const panics = Array.isArray(panic) ? panic.length : 0;
      const parts = [
        `${up} of ${count(all, 'checked backend')} passing`,
        unknown > 0 ? `${unknown} not decided` : '',
        panics > 0 ? `${count(panics, 'pool')} in panic, so all are used` : '',
      ].filter(Boolean);
      return { text: parts.join('; '), tone: panics > 0 ? 'bad' : down + unknown > 0 ? 'attention' : 'good' };
    },
  },
  tap: {
    title: 'Capture',
    describe: ({ capturing }) =>
      typeof capturing === 'boolean' ? { text: capturing ? 'running' : 'off', tone: 'neutral' } : undefined,
  },
};

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
