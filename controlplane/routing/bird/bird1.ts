/**
 * What is left of BIRD 1.x in a configuration, and how BIRD 2 and 3 say it. They refuse it with no more than "syntax
 * error, unexpected IMPORT"; most of it is one change, that of options which moved from protocols into channels.
 *
 * Only what every version from 2.0 on refuses is told, and only in protocols both worlds know.
 */
import type { Diagnostic } from './diagnostic.ts';
import { bodyOf, firstToken, type Statement, spanOf, starts, wordAt } from './tree.ts';

interface Leftover {
  /** The statement's first words. */
  readonly words: readonly string[];
  /** Protocols it is refused in. */
  readonly within: ReadonlySet<string>;
  readonly message: string;
  hint(statement: string): string;
}

const routing = new Set(['kernel', 'bgp', 'static', 'ospf', 'rip', 'babel', 'direct', 'radv']);
const bgp = new Set(['bgp']);
const toChannel = (statement: string): string => `put it into a channel: ipv4 { ${statement}; };`;

const channelOptions: readonly (readonly [readonly string[], ReadonlySet<string>])[] = [
  [['import'], routing],
  [['export'], routing],
  [['table'], routing],
  [['preference'], routing],
  [['receive', 'limit'], routing],
  [['next', 'hop'], bgp],
  [['gateway'], bgp],
  [['igp', 'table'], bgp],
  [['missing', 'lladdr'], bgp],
  [['add', 'paths'], bgp],
  [['secondary'], bgp],
  [['extended', 'next', 'hop'], bgp],
];

const leftovers: readonly Leftover[] = [
  ...channelOptions.map(
    ([words, within]): Leftover => ({
      words,
      within,
      message: `'${words.join(' ')}' is an option of a channel since BIRD 2, not of the protocol`,
      hint: toChannel,
    }),
  ),
  {
    words: ['route', 'limit'],
    within: bgp,
    message: "'route limit' was an option of BIRD 1",
    hint: (text) => `put it into a channel: ipv4 { ${text.replace('route', 'import')}; };`,
  },
  {
    words: ['advertise', 'ipv4'],
    within: bgp,
    message: "'advertise ipv4' was an option of BIRD 1",
    hint: () => 'leave it out: BIRD advertises the channels that are configured',
  },
  {
    words: ['device', 'routes'],
    within: new Set(['kernel']),
    message: "'device routes' was an option of BIRD 1",
    hint: () => "leave it out, and write a filter in the channel's export that rejects them if need be",
  },
  {
    words: ['mode'],
    within: new Set(['pipe']),
    message: "a pipe's mode was an option of BIRD 1",
    hint: () => 'leave it out: pipes are transparent',
  },
  {
    words: ['primary'],
    within: new Set(['device']),
    message: "'primary' was an option of BIRD 1",
    hint: () => 'write: interface "eth0" { preferred 192.0.2.1; };',
  },
  {
    words: ['port'],
    within: new Set(['rip']),
    message: 'the port of RIP is an option of its interfaces',
    hint: (text) => `write: interface "eth0" { ${text}; };`,
  },
  {
    words: ['period'],
    within: new Set(['rip']),
    message: "'period' was an option of BIRD 1",
    hint: (text) => `write: interface "eth0" { update time${text.slice('period'.length)}; };`,
  },
];

/** Leftovers in a configuration, in the order of its statements. */
export function bird1Leftovers(statements: readonly Statement[]): Diagnostic[] {
  const findings: Diagnostic[] = [];
  const add = (statement: Statement, message: string, hint: string): void => {
    const span = spanOf(statement);
    findings.push({ code: 'bird-1', severity: 'error', message, hint, ...(span === undefined ? {} : { span }) });
  };
  for (const statement of statements) {
    if (starts(statement, 'protocol') || starts(statement, 'template')) {
      const type = wordAt(statement, 1) ?? '';
      for (const option of bodyOf(statement)?.statements ?? []) {
        const found = leftovers.find(({ words, within }) => within.has(type) && starts(option, ...words));
        if (found) add(option, found.message, found.hint(textOf(option)));
        else if (type === 'static' && starts(option, 'route') && bodyOf(option) === undefined) {
          if (wordAt(option, 4) === 'multipath' || wordAt(option, 2) === 'multipath') {
            add(option, "'multipath' was a word of BIRD 1", 'leave it out: route … via A via B;');
          }
        }
      }
    } else if (starts(statement, 'table')) {
      add(statement, 'a table has a type since BIRD 2', `write: ipv4 ${textOf(statement)};`);
    } else if (starts(statement, 'roa', 'table')) {
      const name = wordAt(statement, 2) ?? 'NAME';
      const hint = `write: roa4 table ${name}; and protocol static { roa4 { table ${name}; }; route 192.0.2.0/24 max 24 as 65000; }`;
      add(statement, "'roa table' was a statement of BIRD 1", hint);
    } else if (starts(statement, 'listen', 'bgp')) {
      const hint = "write 'local ADDRESS port N as AS;' in each protocol bgp, and 'strict bind on;'";
      add(statement, "'listen bgp' was a statement of BIRD 1", hint);
    }
  }
  return findings;
}

/** A statement as written, on one line; long ones and those with blocks cut short. */
function textOf(statement: Statement): string {
  const first = firstToken(statement);
  const span = spanOf(statement);
  if (!first || !span) return '…';
  const text = span.source.text.slice(span.start, Math.min(span.end, span.start + 200)).replace(/\s+/g, ' ');
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
