/**
 * Reading `show protocols all`. The text is made for people and differs between versions: columns shift behind long
 * names, times may hold a blank, and the table of route changes has other columns in every release. So a row is read
 * by what its words are, and the table by the words of its header.
 */
import { type BgpFamily, type BgpSession, bgpState } from '../bgp-session.ts';
import type { ReplyLine } from './reply.ts';

/** One channel of a protocol as BIRD shows it. */
export interface ChannelStatus {
  readonly type: string;
  readonly state: string;
  readonly table: string | undefined;
  readonly imported: number | undefined;
  readonly filtered: number | undefined;
  readonly exported: number | undefined;
  readonly preferred: number | undefined;
  readonly importFilter?: string;
  readonly exportFilter?: string;
  /** Route changes by kind and column: `changes.get('Import updates')?.get('received')`. `---` is left out. */
  readonly changes: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** One protocol instance. */
export interface ProtocolStatus {
  readonly name: string;
  /** `BGP`, `Kernel`, … */
  readonly type: string;
  readonly table: string;
  /** `up`, `start`, `down`, `stop`, `flush`. */
  readonly state: string;
  readonly since: string;
  readonly info: string;
  /** `Neighbor address`, `Description` and other lines of the form `key: value`, outside of channels. */
  readonly fields: ReadonlyMap<string, string>;
  readonly channels: readonly ChannelStatus[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Read the lines of an answer to `show protocols all`. */
export function readProtocolStatus(lines: readonly ReplyLine[]): ProtocolStatus[] {
  const protocols: ProtocolStatus[] = [];
  let block: string[] = [];
  let row: string | undefined;
  const flush = (): void => {
    const protocol = row === undefined ? undefined : readRow(row, block);
    if (protocol) protocols.push(protocol);
    block = [];
  };
  for (const { code, text } of lines) {
    if (code === 1002) {
      flush();
      row = text;
    } else if (code === 1006) block.push(text);
  }
  flush();
  return protocols;
}

function readRow(row: string, block: readonly string[]): ProtocolStatus | undefined {
  const match = /^(\S+)\s+(\S+)\s+(\S+)\s+(up|start|down|stop|flush)\s+(.*)$/.exec(row);
  if (!match) return undefined;
  const [, name = '', type = '', table = '', state = '', rest = ''] = match;
  // "2026-01-02 12:00:00.123  Established", "12:00:00.123  Active  Socket: …", "Jan02 …"
  const time = /^((?:\d{4}-\d\d-\d\d )?\d\d:\d\d(?::\d\d)?(?:\.\d+)?|\d{4}-\d\d-\d\d|\S+)\s*(.*)$/.exec(rest);
  const { fields, channels } = readBlock(block);
  return { name, type, table, state, since: time?.[1] ?? '', info: (time?.[2] ?? '').trim(), fields, channels };
}

function readBlock(block: readonly string[]): { fields: Map<string, string>; channels: ChannelStatus[] } {
  const fields = new Map<string, string>();
  const channels: ChannelStatus[] = [];
  let channel: (Mutable<ChannelStatus> & { changes: Map<string, ReadonlyMap<string, number>> }) | undefined;
  let columns: string[] = [];
  for (const line of block) {
    const opened = /^ {2}Channel (.+)$/.exec(line)?.[1];
    if (opened !== undefined) {
      const unknown = undefined;
      channel = {
        type: opened.trim(),
        state: '',
        table: unknown,
        imported: unknown,
        filtered: unknown,
        exported: unknown,
        preferred: unknown,
        changes: new Map(),
      };
      channels.push(channel);
      continue;
    }
    const pair = /^\s*([^:]+):\s*(.*)$/.exec(line);
    if (!pair) continue;
    const [, key = '', value = ''] = pair;
    // A line less indented than a channel's own ends it.
    if (channel && /^ {2}\S/.test(line)) channel = undefined;
    if (!channel) {
      if (!fields.has(key)) fields.set(key, value.trim());
    } else if (key === 'State') channel.state = value.trim();
    else if (key === 'Table') channel.table = value.trim();
    else if (key === 'Input filter') channel.importFilter = value.trim();
    else if (key === 'Output filter') channel.exportFilter = value.trim();
    else if (key === 'Routes') Object.assign(channel, readRoutes(value));
    else if (key === 'Route change stats') columns = readColumns(value);
    else if (/^(?:Import|Export) (?:updates|withdraws)$/.test(key))
      channel.changes.set(key, readCounts(columns, value));
  }
  return { fields, channels };
}

/** `2 imported, 1 filtered, 3 exported, 2 preferred` */
function readRoutes(text: string): Partial<Mutable<ChannelStatus>> {
  const result: Partial<Record<'imported' | 'filtered' | 'exported' | 'preferred', number>> = {};
  for (const [, count, word] of text.matchAll(/(\d+) (imported|filtered|exported|preferred)/g)) {
    result[word as 'imported'] = Number(count);
  }
  return result;
}

/** Column names: of the words, only `RX limit` and `IN limit` are two. */
function readColumns(text: string): string[] {
  return text.trim().match(/(?:RX|IN) limit|\S+/g) ?? [];
}

function readCounts(columns: readonly string[], text: string): Map<string, number> {
  const counts = new Map<string, number>();
  text
    .trim()
    .split(/\s+/)
    .forEach((word, i) => {
      const column = columns[i];
      if (column !== undefined && /^\d+$/.test(word)) counts.set(column, Number(word));
    });
  return counts;
}

/** The BGP sessions among protocols. */
export function toBgpSessions(protocols: readonly ProtocolStatus[]): BgpSession[] {
  return protocols
    .filter(({ type }) => type === 'BGP')
    .map((protocol) => {
      const { fields } = protocol;
      const number = (key: string): number | undefined => {
        const value = fields.get(key);
        return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
      };
      const families: BgpFamily[] = protocol.channels.map((channel) => ({
        family: channel.type,
        imported: channel.imported,
        filtered: channel.filtered,
        exported: channel.exported,
        preferred: channel.preferred,
        importFilter: channel.importFilter,
        exportFilter: channel.exportFilter,
        changes: Object.fromEntries([...channel.changes].map(([row, counts]) => [row, Object.fromEntries(counts)])),
      }));
      return {
        daemon: 'bird',
        name: protocol.name,
        vrf: fields.get('VRF'),
        neighbor: fields.get('Neighbor address') ?? fields.get('Neighbor range') ?? '',
        neighborAs: number('Neighbor AS'),
        localAs: number('Local AS'),
        state:
          protocol.state === 'down' ? 'down' : bgpState(fields.get('BGP state') ?? protocol.info.split(/\s/)[0] ?? ''),
        since: protocol.since || undefined,
        description: fields.get('Description'),
        lastError: fields.get('Last error'),
        families,
      };
    });
}
