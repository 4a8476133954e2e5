/**
 * A table of the old iptables (x_tables), as the kernel hands it out: which chains forwarded packets would meet, and
 * for which interfaces (struct ipt_getinfo, ipt_entry and their IPv6 sisters).
 *
 * Rules without matches name an interface plainly; a rule with a match of any kind may track connections, so it
 * concerns all. Entries are in host byte order and aligned to 8 bytes.
 */
import { littleEndian } from '../../netlink/attributes.ts';
import { type Finding, type InterfaceMatch, joinScopes, type Scope } from '../finding.ts';

export interface TableInfo {
  readonly name: string;
  readonly validHooks: number;
  readonly hookEntries: readonly number[];
  readonly underflows: readonly number[];
  readonly entryCount: number;
  /** Bytes. */
  readonly size: number;
}

export const INFO_SIZE = 84;
const HOOKS = 5;
const hookNames = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'] as const;
const passing: readonly number[] = [0, 2, 4];
const IFNAMSIZ = 16;

interface Layout {
  readonly interfaces: number;
  readonly inverse: number;
  readonly targetOffset: number;
  readonly entry: number;
  readonly command: string;
}

/** Offsets in struct ipt_entry (ipt_ip: 84 bytes) and ip6t_entry (ip6t_ip6: 136). */
const layouts: Readonly<Record<4 | 6, Layout>> = {
  4: { interfaces: 16, inverse: 83, targetOffset: 88, entry: 112, command: 'iptables' },
  6: { interfaces: 64, inverse: 132, targetOffset: 140, entry: 168, command: 'ip6tables' },
};
/** Inverted: input interface, output interface. */
const INVERTS_INTERFACE = 0x01 | 0x02;
const VERDICT_ACCEPT = -2;

export function readInfo(bytes: Uint8Array): TableInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, INFO_SIZE);
  const words = (at: number): number[] =>
    Array.from({ length: HOOKS }, (_, i) => view.getUint32(at + 4 * i, littleEndian));
  return {
    name: text(view, 0, 32),
    validHooks: view.getUint32(32, littleEndian),
    hookEntries: words(36),
    underflows: words(56),
    entryCount: view.getUint32(76, littleEndian),
    size: view.getUint32(80, littleEndian),
  };
}

/** @param entries the table's entries: `info.size` bytes. */
export function findingsOfTable(family: 4 | 6, info: TableInfo, entries: Uint8Array): Finding[] {
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  const layout = layouts[family];
  return passing.flatMap((hook) => {
    if (!(info.validHooks & (1 << hook))) return [];
    const scope = scopeOfChain(view, layout, info, hook);
    if (scope !== 'all' && scope.length === 0) return [];
    const where = `${layout.command}-legacy table ${info.name} chain ${hookNames[hook]}`;
    const nat = info.name === 'nat';
    return [{ cause: nat ? ('nat' as const) : ('iptables' as const), where, scope: nat ? ('all' as const) : scope }];
  });
}

function scopeOfChain(view: DataView, layout: Layout, info: TableInfo, hook: number): Scope {
  const last = info.underflows[hook]!;
  if (last + layout.entry > view.byteLength) return 'all';
  const policy = target(view, layout, last);
  if (policy.name !== '' || policy.verdict !== VERDICT_ACCEPT) return 'all';
  const scopes: Scope[] = [];
  for (let at = info.hookEntries[hook]!; at < last; ) {
    const next = at + layout.entry <= view.byteLength ? view.getUint16(at + layout.targetOffset + 2, littleEndian) : 0;
    if (next < layout.entry) return 'all';
    scopes.push(scopeOfEntry(view, layout, at));
    at += next;
  }
  return joinScopes(scopes);
}

function scopeOfEntry(view: DataView, layout: Layout, at: number): Scope {
  const plain = view.getUint16(at + layout.targetOffset, littleEndian) === layout.entry;
  const { name, verdict } = target(view, layout, at);
  const decides = (name === '' && verdict < 0) || name === 'REJECT' || name === 'LOG';
  if (!plain || !decides || view.getUint8(at + layout.inverse) & INVERTS_INTERFACE) return 'all';
  const first = at + layout.interfaces;
  const bound =
    interfaceAt(view, first, first + 2 * IFNAMSIZ, 'in') ??
    interfaceAt(view, first + IFNAMSIZ, first + 3 * IFNAMSIZ, 'out');
  return bound ? [bound] : 'all';
}

function interfaceAt(view: DataView, nameAt: number, maskAt: number, side: 'in' | 'out'): InterfaceMatch | undefined {
  let masked = 0;
  while (masked < IFNAMSIZ && view.getUint8(maskAt + masked) === 0xff) masked++;
  if (masked === 0) return undefined;
  const name = text(view, nameAt, IFNAMSIZ);
  // A mask over the NUL too is a whole name; a shorter one is what `-i eth+` makes.
  return masked > name.length ? { side, name } : { side, prefix: name.slice(0, masked) };
}

/** A standard target has no name, and a verdict: negative to decide, positive to jump. */
function target(view: DataView, layout: Layout, at: number): { name: string; verdict: number } {
  const start = at + view.getUint16(at + layout.targetOffset, littleEndian);
  if (start + 36 > view.byteLength) return { name: '?', verdict: 0 };
  return { name: text(view, start + 2, 29), verdict: view.getInt32(start + 32, littleEndian) };
}

function text(view: DataView, at: number, length: number): string {
  const found = Buffer.from(view.buffer, view.byteOffset + at, length).toString('utf8');
  const end = found.indexOf('\0');
  return end < 0 ? found : found.slice(0, end);
}
