/** Channels: how a protocol is joined to a table, what it takes and what it gives. */
import type { Token } from './token.ts';
import { type Block, bodyOf, firstToken, isBlock, type Statement, starts, wordAt } from './tree.ts';
import { netTypes } from './words.ts';

/** What a channel's `import` or `export` lets pass. `some` depends on a filter that is not interpreted here. */
export interface Policy {
  readonly passes: 'all' | 'none' | 'some';
  /** The named filter, when one is named. */
  readonly filter?: string;
  /** Whether the configuration says so, or BIRD's default does. */
  readonly explicit: boolean;
  readonly statement?: Statement;
}

/** One channel of a protocol, its template's settings included. */
export interface Channel {
  /** `ipv4`, `ipv6`, `ipv4 multicast`, `vpn4 mpls`, … */
  readonly type: string;
  /** The BIRD table it is joined to. */
  readonly table: string;
  readonly import: Policy;
  readonly export: Policy;
  /** All options, a template's first: the last of a kind counts. */
  readonly options: readonly Statement[];
  readonly statement: Statement;
}

const subtypes = new Set(['multicast', 'mpls', 'sadr']);
const defaultTables: Readonly<Record<string, string>> = {
  ipv4: 'master4',
  ipv6: 'master6',
  'ipv4 mpls': 'master4',
  'ipv6 mpls': 'master6',
};

/** The type of channel a statement opens, or undefined when it is none. */
export function channelType(statement: Statement): string | undefined {
  const first = wordAt(statement, 0) ?? '';
  if (!netTypes.has(first) || first === 'neighbor') return undefined;
  const second = wordAt(statement, 1);
  if (second === 'table') return undefined;
  return second !== undefined && subtypes.has(second) ? `${first} ${second}` : first;
}

/** Read the channels among a protocol's options; those of equal type join (template first). */
export function readChannels(options: readonly Statement[], filters: ReadonlyMap<string, Statement>): Channel[] {
  const byType = new Map<string, { statement: Statement; options: Statement[] }>();
  for (const statement of options) {
    const type = channelType(statement);
    if (type === undefined) continue;
    const inner = bodyOf(statement)?.statements ?? [];
    const known = byType.get(type);
    byType.set(type, { statement, options: [...(known?.options ?? []), ...inner] });
  }
  return [...byType].map(([type, channel]) => ({
    type,
    statement: channel.statement,
    options: channel.options,
    table: wordAfter(channel.options, 'table') ?? defaultTables[type] ?? type,
    import: readPolicy(channel.options, 'import', 'all', filters),
    export: readPolicy(channel.options, 'export', 'none', filters),
  }));
}

/** The word behind the last option of a name. */
export function wordAfter(options: readonly Statement[], name: string): string | undefined {
  const statement = options.findLast((option) => starts(option, name));
  return statement && wordAt(statement, 1);
}

/** What the last `import` or `export` among some options lets pass. */
export function readPolicy(
  options: readonly Statement[],
  direction: 'import' | 'export',
  byDefault: 'all' | 'none',
  filters: ReadonlyMap<string, Statement>,
): Policy {
  const statement = options.findLast((option) => {
    const second = wordAt(option, 1);
    return starts(option, direction) && !['limit', 'keep', 'table', 'block', 'as'].includes(second ?? '');
  });
  if (!statement) return { passes: byDefault, explicit: false };
  const first = wordAt(statement, 1);
  const explicit = true;
  if (first === 'all' || first === 'none') return { passes: first, explicit, statement };
  if (first === 'where') {
    const condition = statement.parts.length === 3 ? wordAt(statement, 2) : undefined;
    const passes = condition === 'true' ? 'all' : condition === 'false' ? 'none' : 'some';
    return { passes, explicit, statement };
  }
  const name = first === 'filter' ? wordAt(statement, 2) : first;
  const definition = name === undefined ? undefined : filters.get(name);
  const passes = verdict(bodyOf(statement) ?? (definition && bodyOf(definition)));
  return { passes, explicit, statement, ...(name === undefined ? {} : { filter: name }) };
}

/** Filters of a single word are common enough to understand: `{ accept; }` and `{ reject; }`. */
function verdict(body: Block | undefined): 'all' | 'none' | 'some' {
  const first = body?.statements[0];
  const word: Token | undefined = first && firstToken(first);
  if (!first || first.parts.some(isBlock)) return 'some';
  return word?.text === 'reject' ? 'none' : word?.text === 'accept' ? 'all' : 'some';
}
