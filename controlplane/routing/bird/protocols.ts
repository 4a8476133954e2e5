/**
 * Typed readers of the protocols the appliance cares about. Each takes a protocol's effective options (its templates'
 * first, its own last) and looks for what it knows; everything else stays in the tree for whoever wants it.
 */
import { wordAfter } from './channel.ts';
import { isLiteral, type Token, tokenValue } from './token.ts';
import { bodyOf, isBlock, type Statement, starts, tokensOf, wordAt } from './tree.ts';
import { type Constants, readAddress, readBoolean, readNumber, readTimeUs } from './values.ts';

/** `protocol kernel`. */
export interface KernelOptions {
  /** The kernel's table; 254 (main) unless said otherwise; undefined when it cannot be told. */
  readonly kernelTable: number | undefined;
  readonly metric: number | undefined;
  readonly learn: boolean | 'all';
  readonly persist: boolean;
  readonly mergePaths: boolean;
  readonly scanTimeUs: number | undefined;
}

/** `protocol bgp`. */
export interface BgpOptions {
  readonly neighbor?: string;
  /** A range of neighbors that may come by themselves. */
  readonly range?: string;
  readonly interface?: string;
  readonly neighborAs?: number | 'internal' | 'external';
  readonly localAs?: number;
  readonly localAddress?: string;
  readonly multihop: boolean;
  readonly bfd: boolean;
  readonly holdTimeUs?: number;
}

/** Timers of one part of `protocol bfd` (interfaces, multihop or a neighbor). */
export interface BfdTimers {
  /** Interface patterns, as written; empty for multihop. */
  readonly patterns: readonly string[];
  readonly minRxUs: number;
  readonly minTxUs: number;
  readonly multiplier: number;
  readonly statement: Statement;
}

/** One OSPF area. */
export interface OspfArea {
  readonly id: string;
  readonly interfaces: readonly string[];
  /** Interface patterns that ask for BFD. */
  readonly bfd: readonly string[];
}

/** One `route` of `protocol static`. */
export interface StaticRoute {
  readonly network: string;
  /** `via`, `recursive`, `blackhole`, `unreachable`, `prohibit`, … */
  readonly kind: string;
  readonly gateways: readonly string[];
  readonly statement: Statement;
}

const last = (options: readonly Statement[], ...words: readonly string[]): Statement | undefined =>
  options.findLast((option) => starts(option, ...words));

const flag = (options: readonly Statement[], constants: Constants, ...words: readonly string[]): boolean => {
  const statement = last(options, ...words);
  return statement !== undefined && readBoolean(statement.parts[words.length], constants);
};

const time = (options: readonly Statement[], constants: Constants, ...words: readonly string[]): number | undefined => {
  const statement = last(options, ...words);
  return statement && readTimeUs(statement.parts.slice(words.length), constants);
};

/** Read a kernel protocol. */
export function readKernel(options: readonly Statement[], constants: Constants): KernelOptions {
  const table = last(options, 'kernel', 'table');
  const metric = last(options, 'metric');
  const learn = last(options, 'learn');
  return {
    kernelTable: table ? readNumber(table.parts.slice(2), constants) : 254,
    metric: metric ? readNumber(metric.parts.slice(1), constants) : 32,
    learn: learn && wordAt(learn, 1) === 'all' ? 'all' : flag(options, constants, 'learn'),
    persist: flag(options, constants, 'persist'),
    mergePaths: flag(options, constants, 'merge', 'paths'),
    scanTimeUs: time(options, constants, 'scan', 'time') ?? 60_000_000,
  };
}

/** Read a BGP protocol. */
export function readBgp(options: readonly Statement[], constants: Constants): BgpOptions {
  const result: { -readonly [K in keyof BgpOptions]: BgpOptions[K] } = {
    multihop:
      options.findLast((o) => starts(o, 'multihop') || starts(o, 'direct'))?.parts[0] !== undefined &&
      starts(options.findLast((o) => starts(o, 'multihop') || starts(o, 'direct'))!, 'multihop'),
    bfd: flag(options, constants, 'bfd'),
  };
  for (const option of options) {
    if (starts(option, 'neighbor')) readNeighbor(option, result, constants);
    if (starts(option, 'local')) {
      const address = readAddress(option, 1, constants);
      if (address !== undefined) result.localAddress = address;
      const as = asOf(option, constants);
      if (typeof as === 'number') result.localAs = as;
    }
    if (starts(option, 'interface')) result.interface = wordAt(option, 1) ?? '';
  }
  const hold = time(options, constants, 'hold', 'time');
  if (hold !== undefined) result.holdTimeUs = hold;
  return result;
}

function readNeighbor(
  option: Statement,
  result: { -readonly [K in keyof BgpOptions]: BgpOptions[K] },
  constants: Constants,
): void {
  if (wordAt(option, 1) === 'range') {
    const range = readAddress(option, 2, constants);
    if (range !== undefined) result.range = range;
  } else {
    const address = readAddress(option, 1, constants);
    if (address !== undefined) result.neighbor = address;
    if (wordAt(option, 2) === '%') result.interface = wordAt(option, 3) ?? '';
  }
  const as = asOf(option, constants);
  if (as !== undefined) result.neighborAs = as;
}

function asOf(option: Statement, constants: Constants): number | 'internal' | 'external' | undefined {
  const index = option.parts.findIndex((part) => !isBlock(part) && part.text === 'as');
  const kind = tokensOf(option).find(({ text }) => text === 'internal' || text === 'external')?.text;
  if (index >= 0) return readNumber(option.parts.slice(index + 1), constants);
  return kind as 'internal' | 'external' | undefined;
}

/** Read a BFD protocol's timers, one a part. */
export function readBfd(options: readonly Statement[], constants: Constants): BfdTimers[] {
  return options
    .filter((option) => starts(option, 'interface') || starts(option, 'multihop'))
    .flatMap((statement) => {
      const body = bodyOf(statement);
      return body ? [readBfdTimers(statement, body.statements, constants)] : [];
    });
}

/** Timers among some options; BIRD's defaults: 10 ms received, 100 ms sent, 5 times. */
export function readBfdTimers(statement: Statement, options: readonly Statement[], constants: Constants): BfdTimers {
  const interval = time(options, constants, 'interval');
  const multiplier = last(options, 'multiplier');
  return {
    patterns: starts(statement, 'interface') ? patterns(statement, 1) : [],
    minRxUs: time(options, constants, 'min', 'rx', 'interval') ?? interval ?? 10_000,
    minTxUs: time(options, constants, 'min', 'tx', 'interval') ?? interval ?? 100_000,
    multiplier: (multiplier && readNumber(multiplier.parts.slice(1), constants)) ?? 5,
    statement,
  };
}

/** Where a protocol asks for BFD: options of BGP, of interfaces (OSPF, RIP, Babel), of static routes. */
export function bfdUses({ type, options }: BfdUser, constants: Constants): Statement[] {
  if (type === 'bgp') {
    const option = last(options, 'bfd');
    return option && readBoolean(option.parts[1], constants) ? [option] : [];
  }
  if (type === 'static') {
    return options.filter((option) => {
      const at = starts(option, 'route')
        ? option.parts.findLastIndex((part) => !isBlock(part) && part.text === 'bfd')
        : -1;
      return at > 0 && !/^(?:off|no|false|0)$/.test(wordAt(option, at + 1) ?? '');
    });
  }
  const areas = type === 'ospf' ? options.filter((option) => starts(option, 'area')).map(bodyOf) : [];
  const inner = type === 'ospf' ? areas.flatMap((area) => area?.statements ?? []) : options;
  return inner.flatMap((statement) => {
    if (!starts(statement, 'interface') && !starts(statement, 'virtual', 'link')) return [];
    const option = last(bodyOf(statement)?.statements ?? [], 'bfd');
    return option && readBoolean(option.parts[1], constants) ? [option] : [];
  });
}

/** What of a protocol is looked at for BFD. */
interface BfdUser {
  readonly type: string;
  readonly options: readonly Statement[];
}

/** Read an OSPF protocol's areas. */
export function readOspf(options: readonly Statement[], constants: Constants): OspfArea[] {
  return options
    .filter((option) => starts(option, 'area'))
    .map((area) => {
      const interfaces = (bodyOf(area)?.statements ?? []).filter((inner) => starts(inner, 'interface'));
      const withBfd = interfaces.filter((inner) => flag(bodyOf(inner)?.statements ?? [], constants, 'bfd'));
      return {
        id: wordAt(area, 1) ?? '0',
        interfaces: interfaces.flatMap((inner) => patterns(inner, 1)),
        bfd: withBfd.flatMap((inner) => patterns(inner, 1)),
      };
    });
}

/** Read a static protocol's routes. */
export function readStatic(options: readonly Statement[], constants: Constants): StaticRoute[] {
  const kinds = new Set([
    'via',
    'recursive',
    'blackhole',
    'unreachable',
    'prohibit',
    'drop',
    'reject',
    'providers',
    'transit',
  ]);
  return options
    .filter((option) => starts(option, 'route'))
    .map((statement) => {
      const tokens = tokensOf(statement);
      const gateways = tokens
        .filter((_, i) => ['via', 'recursive'].includes(tokens[i - 1]?.text ?? ''))
        .map(tokenValue);
      const kind = tokens.find(({ text }) => kinds.has(text))?.text ?? 'unknown';
      return { network: readAddress(statement, 1, constants) ?? wordAt(statement, 1) ?? '', kind, gateways, statement };
    });
}

/** The interface patterns of a `protocol direct`; none means all interfaces. */
export function readDirect(options: readonly Statement[]): string[] {
  return options.filter((option) => starts(option, 'interface')).flatMap((option) => patterns(option, 1));
}

/** A pipe's two tables. */
export function readPipe(options: readonly Statement[]): { table: string; peerTable: string | undefined } {
  const peer = last(options, 'peer', 'table');
  return { table: wordAfter(options, 'table') ?? 'master4', peerTable: peer && wordAt(peer, 2) };
}

function patterns(statement: Statement, from: number): string[] {
  const tokens: Token[] = statement.parts.slice(from).filter((part): part is Token => !isBlock(part));
  return tokens.flatMap((token, i) => {
    if (!isLiteral(token) || token.kind === 'number') return [];
    return `${tokens[i - 1]?.text === '-' ? '-' : ''}${tokenValue(token)}`;
  });
}
