/**
 * What a bird.conf says, as far as the appliance needs it: router id, tables, constants, protocols with their channels
 * and with templates applied. Made from the statement tree, which stays at hand for everything else.
 */
import { bird1Leftovers } from './bird1.ts';
import { type Channel, readChannels } from './channel.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { ConfigFiles } from './files.ts';
import { clip } from './limits.ts';
import { type ParsedFile, parse } from './parser.ts';
import { undefinedReferences } from './references.ts';
import { bodyOf, isBlock, type Statement, starts, wordAt } from './tree.ts';
import { type Constants, evaluate, readBoolean, readConstants } from './values.ts';
import { netTypes } from './words.ts';

/** A routing table of BIRD. */
export interface BirdTable {
  readonly name: string;
  /** Network type: `ipv4`, `vpn4`, … */
  readonly type: string;
  /** Missing for the tables every BIRD has. */
  readonly statement?: Statement;
}

/** A protocol instance. */
export interface BirdProtocol {
  /** `bgp`, `kernel`, `static`, … */
  readonly type: string;
  /** As written, or BIRD's default (`kernel1`). */
  readonly name: string;
  readonly disabled: boolean;
  readonly vrf?: string;
  /** The template it is made from. */
  readonly template?: string;
  readonly channels: readonly Channel[];
  /** Effective options, templates' first: the last of a kind counts. */
  readonly options: readonly Statement[];
  readonly statement: Statement;
}

/** A configuration, read. */
export interface BirdConfig {
  readonly routerId?: string;
  readonly tables: readonly BirdTable[];
  readonly protocols: readonly BirdProtocol[];
  readonly constants: Constants;
  /** Filters and functions by name, opaque. */
  readonly filters: ReadonlyMap<string, Statement>;
  readonly functions: ReadonlyMap<string, Statement>;
  readonly parsed: ParsedFile;
  /** Errors of syntax, and references to what is not defined. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Parse and read a configuration. Never throws; see `diagnostics`. */
export function readBirdConfig(path: string, text: string, files?: ConfigFiles): BirdConfig {
  const parsed = parse(path, text, files);
  const { statements } = parsed;
  const constants = readConstants(statements);
  const filters = named(statements, 'filter');
  const diagnostics: Diagnostic[] = [...parsed.diagnostics];
  const protocols = readProtocols(statements, constants, filters, diagnostics);
  const tables = readTables(statements);
  const functions = named(statements, 'function');
  // A shape that is wrong would make every word a wrong one.
  if (!diagnostics.some(({ severity }) => severity === 'error')) {
    const known = { filters, functions, tables: new Set(tables.map(({ name }) => name)) };
    diagnostics.push(...bird1Leftovers(statements), ...undefinedReferences(statements, known));
  }
  const routerId = statements.findLast((s) => starts(s, 'router', 'id') && wordAt(s, 2) !== 'from');
  const idValue =
    routerId &&
    evaluate(
      routerId.parts.slice(2).filter((part) => !isBlock(part)),
      constants,
    );
  return {
    ...(idValue === undefined ? {} : { routerId: typeof idValue === 'number' ? dotted(idValue) : String(idValue) }),
    tables,
    protocols,
    constants,
    filters,
    functions,
    parsed,
    diagnostics,
  };
}

function dotted(value: number): string {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
}

function named(statements: readonly Statement[], kind: string): Map<string, Statement> {
  const result = new Map<string, Statement>();
  for (const statement of statements) {
    const name = starts(statement, kind) ? wordAt(statement, 1) : undefined;
    if (name !== undefined) result.set(name, statement);
  }
  return result;
}

function readTables(statements: readonly Statement[]): BirdTable[] {
  const tables: BirdTable[] = [
    { name: 'master4', type: 'ipv4' },
    { name: 'master6', type: 'ipv6' },
  ];
  for (const statement of statements) {
    const first = wordAt(statement, 0) ?? '';
    const index = wordAt(statement, 1) === 'table' ? 1 : wordAt(statement, 2) === 'table' ? 2 : -1;
    const name = wordAt(statement, index + 1);
    if (!netTypes.has(first) || index < 0 || name === undefined) continue;
    const type = index === 2 ? `${first} ${wordAt(statement, 1)}` : first;
    tables.push({ name, type, statement });
  }
  return tables;
}

/** Options that protocols take over from templates, all together; a chain of n templates makes n² / 2 of them. */
const maxInherited = 1_000_000;

function readProtocols(
  statements: readonly Statement[],
  constants: Constants,
  filters: ReadonlyMap<string, Statement>,
  diagnostics: Diagnostic[],
): BirdProtocol[] {
  const unnamed = new Map<string, number>();
  const protocols: BirdProtocol[] = [];
  // Templates and protocols, for a protocol may serve as a template, too. Defined before use, so there are no cycles.
  const optionsOf = new Map<string, readonly Statement[]>();
  let budget = maxInherited;
  for (const statement of statements) {
    const isTemplate = starts(statement, 'template');
    if (!isTemplate && !starts(statement, 'protocol')) continue;
    const type = protocolType(statement);
    const words = statement.parts.filter((part) => !isBlock(part)).map((_, i) => wordAt(statement, i) ?? '');
    const from = words.indexOf('from', 2);
    const head = words.slice(1, from < 0 ? undefined : from);
    const given = head.slice(type.split(' ').length)[0];
    const template = from < 0 ? undefined : words[from + 1];
    const inherited = template === undefined ? [] : optionsOf.get(template);
    const token = from < 0 ? undefined : statement.parts[from + 1];
    const place = token && !isBlock(token) ? { span: token } : {};
    if (!inherited) {
      const message = `no template '${clip(template ?? '')}' is defined before this`;
      diagnostics.push({ code: 'unknown-template', severity: 'warning', message, ...place });
    }
    const own = bodyOf(statement)?.statements ?? [];
    budget -= inherited?.length ?? 0;
    if (budget < 0 && budget + (inherited?.length ?? 0) >= 0) {
      const message = 'templates are nested so deep that what they give is left out from here on';
      diagnostics.push({ code: 'inheritance-limit', severity: 'warning', message, ...place });
    }
    const options = !inherited?.length || budget < 0 ? own : [...inherited, ...own];
    if (isTemplate) {
      if (given !== undefined) optionsOf.set(given, options);
      continue;
    }
    const stem = type.replace(/ .*$/, '').replace(/^ospf$/, 'ospf');
    const count = (unnamed.get(stem) ?? 0) + 1;
    if (given === undefined) unnamed.set(stem, count);
    const disabled = options.findLast((option) => starts(option, 'disabled'));
    const vrf = options.findLast((option) => starts(option, 'vrf'));
    const vrfName = vrf && wordAt(vrf, 1);
    const protocol: BirdProtocol = {
      type: stem,
      name: given ?? `${stem}${count}`,
      disabled: disabled !== undefined && readBoolean(disabled.parts[1], constants),
      ...(vrfName === undefined || vrfName === 'default' ? {} : { vrf: vrfName }),
      ...(template === undefined ? {} : { template }),
      channels: readChannels(options, filters),
      options,
      statement,
    };
    protocols.push(protocol);
    optionsOf.set(protocol.name, options);
  }
  return protocols;
}

/** `ospf v3` and `evpn bridge`-like types take two words. */
function protocolType(statement: Statement): string {
  const first = wordAt(statement, 1) ?? '';
  const second = wordAt(statement, 2) ?? '';
  if (first === 'ospf' && /^v[23]$/.test(second)) return `${first} ${second}`;
  if (first === 'rip' && second === 'ng') return `${first} ${second}`;
  return first;
}
