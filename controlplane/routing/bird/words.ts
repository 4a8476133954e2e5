/** The words of bird.conf by which the parser tells blocks apart and sees that a `;` is missing. */

/** Network types, as they begin tables and channels. */
export const netTypes: ReadonlySet<string> = new Set([
  'ipv4',
  'ipv6',
  'vpn4',
  'vpn6',
  'roa4',
  'roa6',
  'flow4',
  'flow6',
  'mpls',
  'eth',
  'aspa',
  'evpn',
  'neighbor',
]);

/** Types of variables: in older versions declarations stand between a filter's name and its body. */
export const valueTypes: ReadonlySet<string> = new Set([
  'int',
  'bool',
  'ip',
  'prefix',
  'rd',
  'pair',
  'quad',
  'ec',
  'lc',
  'string',
  'bytestring',
  'bgpmask',
  'bgppath',
  'clist',
  'eclist',
  'lclist',
  'set',
  'enum',
  'route',
  'rtable',
  'mac',
  'net',
]);

/** Statements of the top level that end with their last value, without a `;`. */
export const selfTerminating: readonly RegExp[] = [
  /^(?:ipv4|ipv6|ipv6 sadr|vpn4|vpn6|roa4|roa6|flow4|flow6|mpls|eth|aspa|evpn|neighbor) table \S+(?: sorted)?$/,
  /^watchdog (?:warning|timeout) .+ (?:s|ms|us)$/,
  /^(?:debug )?latency limit .+ (?:s|ms|us)$/,
  /^debug latency(?: (?:on|off|yes|no|true|false|\d+))?$/,
  /^threads \S+$/,
];

/** What may follow `debug latency`, which may also stand alone. */
export const latencyValue: ReadonlySet<string> = new Set(['on', 'off', 'yes', 'no', 'true', 'false', 'limit']);

/** Words that begin a statement of the top level, and never stand behind a value in one. */
export const topHeads: ReadonlySet<string> = new Set([
  'protocol',
  'template',
  'filter',
  'function',
  'define',
  'router',
  'log',
  'debug',
  'timeformat',
  'watchdog',
  'mrtdump',
]);

/** Words that begin an option in a protocol or channel, and never stand behind a value within one. */
export const optionHeads: ReadonlySet<string> = new Set([
  'neighbor',
  'local',
  'import',
  'export',
  'description',
  'password',
  'multihop',
  'hold',
  'keepalive',
  'scan',
  'learn',
  'persist',
  'route',
  'ipv4',
  'ipv6',
  'disabled',
  'debug',
  'router',
  'merge',
  'kernel',
  'interface',
  'area',
  'passive',
  'receive',
  'preference',
]);

/** More options whose forms are known well enough to be sure that none of `optionHeads` goes on with them. */
export const knownOptions: ReadonlySet<string> = new Set([
  'table',
  'source',
  'rr',
  'connect',
  'metric',
  'cost',
  'hello',
  'type',
  'priority',
  'next',
  'startup',
  'path',
  'peer',
]);

/** Words of `optionHeads` that go on with an option instead: a BFD neighbor is a line of several. */
export const continuations: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['neighbor', new Set(['local', 'multihop'])],
]);
