/**
 * What in a bird.conf matters to the fast path. The data plane forwards by the kernel's FIB, so a route counts once a
 * `protocol kernel` has exported it to a table that an `ip rule` selects; this follows routes from the protocols that
 * bring them, through pipes, to the kernel, and says where they stop. Every finding has its place and a way out.
 */
import { type Channel, readPolicy } from './channel.ts';
import type { BirdConfig, BirdProtocol } from './config.ts';
import type { Diagnostic, Severity } from './diagnostic.ts';
import {
  type BfdTimers,
  bfdUses,
  type KernelOptions,
  readBfd,
  readBfdTimers,
  readKernel,
  readPipe,
} from './protocols.ts';
import type { Span } from './source.ts';
import { bodyOf, headSpan, type Statement, spanOf, starts } from './tree.ts';

/** What is known of the box; everything may be left out, and what depends on it is then not judged. */
export interface AdviceContext {
  /** Kernel tables that `ip rule` selects, by family. */
  readonly selectedTables?: { readonly ipv4: ReadonlySet<number>; readonly ipv6: ReadonlySet<number> };
  /** Kernel table in which this router announces its service addresses. */
  readonly announcementTable?: number;
  /** Families of the announced addresses; without it one reader of the table is enough. */
  readonly announcementFamilies?: ReadonlySet<'ipv4' | 'ipv6'>;
  /** How long attaching a program may silence an interface, in milliseconds: drivers reset their queues. Default 1000. */
  readonly attachPauseMs?: number;
}

interface Kernel {
  readonly protocol: BirdProtocol;
  readonly options: KernelOptions;
  readonly channel: Channel | undefined;
}

/** Sources of routes whose purpose is forwarding. */
const routeSources = new Set(['bgp', 'ospf', 'rip', 'babel', 'static', 'l3vpn']);
const families = new Set(['ipv4', 'ipv6', 'ipv6 sadr']);

/** Findings about a configuration, in order of the text. */
export function adviseBird(config: BirdConfig, context: AdviceContext = {}): Diagnostic[] {
  const findings: Diagnostic[] = [];
  const add = (code: string, severity: Severity, message: string, span: Span | undefined, hint: string): void => {
    findings.push({ code, severity, message, hint, ...(span === undefined ? {} : { span }) });
  };
  const active = config.protocols.filter(({ disabled }) => !disabled);
  const kernels: Kernel[] = active
    .filter(({ type }) => type === 'kernel')
    .map((protocol) => ({
      protocol,
      options: readKernel(protocol.options, config.constants),
      channel: protocol.channels.find(({ type }) => families.has(type)),
    }));

  if (!active.some(({ type }) => type === 'device')) {
    add(
      'no-device',
      'error',
      "there is no 'protocol device', so BIRD sees no interfaces and no next hop",
      undefined,
      'add: protocol device { }',
    );
  }
  if (kernels.length === 0) {
    add(
      'no-kernel',
      'error',
      "there is no 'protocol kernel', so no route of BIRD reaches the kernel and the fast path",
      undefined,
      'add: protocol kernel { ipv4 { export all; }; }',
    );
  }
  for (const kernel of kernels) adviseKernel(kernel, context, add);
  adviseShared(kernels, add);
  adviseReach(config, active, kernels, add);
  adviseAnnouncements(kernels, context, add);
  adviseBgp(active, add);
  adviseBfd(config, active, context, add);
  return findings.sort(byPlace(config));
}

type Add = (code: string, severity: Severity, message: string, span: Span | undefined, hint: string) => void;

function adviseKernel({ protocol, options, channel }: Kernel, context: AdviceContext, add: Add): void {
  const { name } = protocol;
  const head = headSpan(protocol.statement);
  const table = options.kernelTable;
  if (!channel) {
    add('kernel-no-channel', 'error', `${name} has no channel and does nothing`, head, 'add: ipv4 { export all; };');
    return;
  }
  const place = channel.export.statement ? spanOf(channel.export.statement) : headSpan(channel.statement);
  if (channel.export.passes === 'none' && !(options.learn && channel.import.passes !== 'none')) {
    const why = channel.export.explicit ? 'its export lets nothing pass' : "BIRD's default is 'export none'";
    add(
      'kernel-export-none',
      'error',
      `no ${channel.type} route reaches the kernel through ${name}: ${why}`,
      place,
      `write 'export all;' or a filter in the ${channel.type} channel of ${name}`,
    );
  } else if (channel.export.passes === 'some') {
    add(
      'kernel-export-filter',
      'info',
      `what of table ${channel.table} reaches the kernel (table ${table ?? '?'}) depends on a filter`,
      place,
      'make sure that routes to be forwarded pass it',
    );
  }
  if (channel.export.passes !== 'none') {
    const merge = protocol.options.findLast((option) => starts(option, 'merge', 'paths'));
    if (options.mergePaths) {
      add(
        'kernel-merge-paths',
        'info',
        `${name} merges equal paths: the kernel chooses among next hops for each flow, and such routes are answered by the kernel's own lookup`,
        merge && spanOf(merge),
        'nothing to do; set net.ipv4.fib_multipath_hash_policy=1 to spread by ports',
      );
    } else {
      add(
        'kernel-no-merge-paths',
        'info',
        `${name} does not merge paths: of several equal paths the kernel gets one`,
        head,
        "write 'merge paths on;' if equal paths should share the load",
      );
    }
    if (!options.persist) {
      add(
        'kernel-no-persist',
        'warning',
        `when BIRD stops, ${name} takes its routes out of the kernel and forwarding ends with it`,
        head,
        "write 'persist;' to keep routes while BIRD is restarted",
      );
    }
  }
  if (table !== undefined && table !== 254 && channel.export.passes !== 'none') {
    const option = protocol.options.findLast((candidate) => starts(candidate, 'kernel', 'table'));
    const span = option && spanOf(option);
    const family = channel.type === 'ipv4' ? 'ipv4' : 'ipv6';
    if (context.selectedTables && !context.selectedTables[family].has(table)) {
      const ip = family === 'ipv4' ? 'ip' : 'ip -6';
      add(
        'kernel-table-unselected',
        'warning',
        `${name} exports to kernel table ${table}, which no ip rule of this machine selects: nothing is forwarded by it`,
        span,
        `${ip} rule add table ${table}, or export to the main table`,
      );
    } else if (!context.selectedTables) {
      add(
        'kernel-table-other',
        'info',
        `${name} exports to kernel table ${table}, which takes an ip rule or a VRF to be used`,
        span,
        `check 'ip rule' for table ${table}`,
      );
    }
  }
  if (options.learn && channel.import.passes === 'none') {
    const learn = protocol.options.findLast((option) => starts(option, 'learn'));
    add(
      'kernel-learn-no-import',
      'warning',
      `${name} learns routes of the kernel, but its channel imports none`,
      learn && spanOf(learn),
      "write 'import all;' in its channel",
    );
  }
}

/** Two kernel protocols on one table, of BIRD or of the kernel. */
function adviseShared(kernels: readonly Kernel[], add: Add): void {
  const ofTable = new Map<string, string>();
  const ofKernelTable = new Map<string, string>();
  for (const { protocol, options, channel } of kernels) {
    if (!channel) continue;
    const { name } = protocol;
    const head = headSpan(protocol.statement);
    const place = options.kernelTable === undefined ? undefined : `${channel.type} ${options.kernelTable}`;
    const same = ofTable.get(channel.table);
    const sameInKernel = place === undefined ? undefined : ofKernelTable.get(place);
    if (same !== undefined) {
      add(
        'kernel-same-table',
        'error',
        `${name} and ${same} both use table ${channel.table}; BIRD allows one kernel protocol a table`,
        head,
        'give one of them a table of its own and join them with a pipe',
      );
    } else if (sameInKernel !== undefined) {
      add(
        'kernel-same-kernel-table',
        'error',
        `${name} and ${sameInKernel} both use kernel table ${options.kernelTable}`,
        head,
        'use one kernel protocol for each kernel table and family',
      );
    }
    if (same === undefined) ofTable.set(channel.table, name);
    if (place !== undefined && sameInKernel === undefined) ofKernelTable.set(place, name);
  }
}

/** Follow routes from where they come in, through pipes, to the kernel. */
function adviseReach(config: BirdConfig, active: readonly BirdProtocol[], kernels: readonly Kernel[], add: Add): void {
  // Backwards from the kernel, so that each table and pipe is looked at once.
  const sources = new Map<string, Set<string>>();
  const edge = (from: string, to: string): void => {
    sources.set(to, (sources.get(to) ?? new Set()).add(from));
  };
  for (const pipe of active.filter(({ type }) => type === 'pipe')) {
    const { table, peerTable } = readPipe(pipe.options);
    if (peerTable === undefined) continue;
    if (readPolicy(pipe.options, 'export', 'none', config.filters).passes !== 'none') edge(table, peerTable);
    if (readPolicy(pipe.options, 'import', 'all', config.filters).passes !== 'none') edge(peerTable, table);
  }
  const reaching = new Set(
    kernels.filter(({ channel }) => channel && channel.export.passes !== 'none').map(({ channel }) => channel!.table),
  );
  for (const table of reaching) for (const source of sources.get(table) ?? []) reaching.add(source);
  const lost = new Map<string, { names: string[]; statement: Statement }>();
  for (const protocol of active.filter(({ type }) => routeSources.has(type))) {
    for (const channel of protocol.channels) {
      if (!families.has(channel.type) || channel.import.passes === 'none' || reaching.has(channel.table)) continue;
      const entry = lost.get(channel.table) ?? { names: [], statement: protocol.statement };
      entry.names.push(protocol.name);
      lost.set(channel.table, entry);
    }
  }
  // Without any kernel protocol that has been said already.
  if (kernels.length === 0) return;
  for (const [table, { names, statement }] of lost) {
    const who = names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
    add(
      'table-not-in-kernel',
      'warning',
      `routes of ${who} stay in table ${table}: no kernel protocol exports it, so they are not forwarded`,
      headSpan(statement),
      `export table ${table} by a kernel protocol or pipe it to one that is`,
    );
  }
}

function adviseAnnouncements(kernels: readonly Kernel[], context: AdviceContext, add: Add): void {
  const { announcementTable: table, announcementFamilies } = context;
  if (table === undefined) return;
  const readers = kernels.filter(({ options }) => options.kernelTable === table);
  for (const family of announcementFamilies ?? [undefined]) {
    if (readers.some(({ channel }) => family === undefined || channel?.type === family)) continue;
    const of = family === undefined ? '' : `${family} routes of `;
    const type = family ?? 'ipv4';
    const vips = type === 'ipv4' ? 'vips4' : 'vips6';
    add(
      'announcements-unread',
      'warning',
      `no kernel protocol reads ${of}kernel table ${table}, where services are announced`,
      undefined,
      `add: ${type} table ${vips}; protocol kernel { kernel table ${table}; learn; ${type} { table ${vips}; import all; export none; }; }`,
    );
  }
  for (const { protocol, options } of readers) {
    if (options.learn) continue;
    add(
      'announcements-not-learned',
      'error',
      `${protocol.name} reads kernel table ${table} without 'learn', so services announced there are not seen`,
      headSpan(protocol.statement),
      "write 'learn;' in it",
    );
  }
}

function adviseBgp(active: readonly BirdProtocol[], add: Add): void {
  for (const protocol of active) {
    if (protocol.type === 'bgp' && protocol.vrf !== undefined) {
      add(
        'bgp-vrf',
        'info',
        `${protocol.name} runs in VRF ${protocol.vrf}: routes of VRFs are answered by the kernel's own lookup`,
        headSpan(protocol.statement),
        'nothing to do',
      );
    }
  }
}

function adviseBfd(config: BirdConfig, active: readonly BirdProtocol[], context: AdviceContext, add: Add): void {
  const pauseMs = context.attachPauseMs ?? 1000;
  const { constants } = config;
  const bfd = active.filter(({ type }) => type === 'bfd');
  const users = active.flatMap((protocol) =>
    bfdUses(protocol, constants).map((statement) => ({ protocol, statement })),
  );
  const judge = (timers: BfdTimers, place: Span | undefined, whose: string): void => {
    const detectMs = (Math.max(timers.minRxUs, timers.minTxUs) * timers.multiplier) / 1000;
    if (detectMs >= pauseMs) return;
    add(
      'bfd-tight',
      'warning',
      `${whose} gives up after ${detectMs} ms; attaching the program for the first time may silence an interface for up to ${pauseMs} ms`,
      place,
      'attach before BIRD starts, or use longer timers; reloads replace the program without a pause',
    );
  };
  for (const protocol of bfd) {
    const parts = readBfd(protocol.options, constants);
    for (const timers of parts) judge(timers, spanOf(timers.statement), 'BFD');
    // Sessions that no part speaks of go by BIRD's defaults, unless each of them brings timers of its own.
    const defaults = users.length === 0 || users.some(({ statement }) => bodyOf(statement) === undefined);
    if (parts.length === 0 && defaults) {
      judge(
        readBfdTimers(protocol.statement, [], constants),
        headSpan(protocol.statement),
        "BFD with BIRD's default timers",
      );
    }
  }
  for (const { protocol, statement } of users) {
    const own = bodyOf(statement);
    if (own) judge(readBfdTimers(statement, own.statements, constants), spanOf(statement), `BFD of ${protocol.name}`);
  }
  const wanting = users[0];
  if (bfd.length > 0 || !wanting) return;
  add(
    'bfd-missing',
    'warning',
    `${wanting.protocol.name} asks for BFD, but there is no 'protocol bfd'`,
    spanOf(wanting.statement),
    'add: protocol bfd { }',
  );
}

/** Findings about the whole first, then in order of files and lines. */
function byPlace(config: BirdConfig): (a: Diagnostic, b: Diagnostic) => number {
  const order = new Map(config.parsed.sources.map((source, i) => [source, i]));
  return ({ span: a }, { span: b }) => {
    if (!a || !b) return a ? 1 : b ? -1 : 0;
    return (order.get(a.source) ?? 0) - (order.get(b.source) ?? 0) || a.start - b.start;
  };
}
