/**
 * How fast the neighbors of an interface are found out and given up: the kernel's own timers, set for our interfaces
 * over netlink and put back when an interface is ours no longer.
 *
 * With the kernel's defaults a MAC address that changes without a word is noticed after forty seconds. What the timers
 * were before is written to a file, so that they can be put back by a daemon that starts later, or by `detach`.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type NeighborTable, type NeighborTimers, NetlinkError, RouteNetlink } from '../netlink/index.ts';
import { isOurs } from './desired.ts';

/** What is set, milliseconds. */
export interface TimerSettings {
  readonly baseReachableMs: number;
  readonly delayProbeMs: number;
  readonly intervalProbeMs: number;
}

export interface NamedInterface {
  readonly index: number;
  readonly name: string;
}

/** As it was before us. */
interface Saved extends TimerSettings {
  readonly ifindex: number;
  readonly name: string;
  readonly family: 4 | 6;
}

export class InterfaceTimers {
  readonly #netlink: RouteNetlink;
  readonly #file: string;
  #saved: Saved[];

  /** @param file where the former timers are kept. */
  constructor(netlink: RouteNetlink, file: string) {
    this.#netlink = netlink;
    this.#file = file;
    this.#saved = readSaved(file);
  }

  /** Sets them on these interfaces and puts them back on all others; `settings` undefined: on none. */
  apply(interfaces: readonly NamedInterface[], settings: TimerSettings | undefined): void {
    const tables = this.#netlink.neighborTables();
    const ours = (at: { ifindex: number }): NamedInterface | undefined =>
      settings && interfaces.find(({ index }) => index === at.ifindex);
    const kept: Saved[] = [];
    for (const saved of this.#saved) {
      if (ours(saved)?.name === saved.name) kept.push(saved);
      else if (tables.some((table) => table.ifindex === saved.ifindex)) restore(this.#netlink, saved);
    }
    for (const table of tables) {
      const { ifindex, family } = table;
      const found = ours(table);
      if (!found || !settings) continue;
      if (!kept.some((saved) => saved.ifindex === ifindex && saved.family === family))
        kept.push({ ifindex, name: found.name, family, ...timersOf(table) });
    }
    this.#save(kept);
    for (const table of tables) {
      const wanted = ours(table) && settings ? supported(settings, table) : undefined;
      if (wanted && differ(wanted, table)) setTimers(this.#netlink, table, wanted);
    }
  }

  #save(saved: Saved[]): void {
    if (JSON.stringify(saved) === JSON.stringify(this.#saved)) return;
    this.#saved = saved;
    if (saved.length === 0) {
      rmSync(this.#file, { force: true });
      return;
    }
    writeFileSync(`${this.#file}.new`, JSON.stringify(saved), { mode: 0o640 });
    renameSync(`${this.#file}.new`, this.#file);
  }
}

/** Puts back what the file tells of, and lets go of every entry that is ours on those interfaces. For `detach`. */
export function releaseNeighbors(file: string): void {
  const saved = readSaved(file);
  if (saved.length === 0) return;
  using netlink = RouteNetlink.open();
  const links = netlink.links();
  const still = saved.filter(({ ifindex, name }) => links.some((link) => link.index === ifindex && link.name === name));
  for (const one of still) restore(netlink, one);
  for (const neighbor of netlink.neighbors())
    if (isOurs(neighbor) && still.some(({ ifindex }) => ifindex === neighbor.ifindex)) netlink.deleteNeighbor(neighbor);
  rmSync(file, { force: true });
}

function readSaved(file: string): Saved[] {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Saved[]) : [];
}

function restore(netlink: RouteNetlink, saved: Saved): void {
  const { ifindex, family, baseReachableMs, delayProbeMs, intervalProbeMs } = saved;
  setTimers(
    netlink,
    { ifindex, family },
    { baseReachableMs, delayProbeMs, ...(intervalProbeMs ? { intervalProbeMs } : {}) },
  );
}

function timersOf({ baseReachableMs, delayProbeMs, intervalProbeMs }: NeighborTable): TimerSettings {
  return { baseReachableMs, delayProbeMs, intervalProbeMs };
}

/** Kernels before 6.0 have no interval of their own for managed neighbors. */
function supported(
  { baseReachableMs, delayProbeMs, intervalProbeMs }: TimerSettings,
  table: NeighborTable,
): NeighborTimers {
  return { baseReachableMs, delayProbeMs, ...(table.intervalProbeMs ? { intervalProbeMs } : {}) };
}

/** The kernel rounds to its ticks. */
function differ(wanted: NeighborTimers, table: NeighborTable): boolean {
  const off = (a: number | undefined, b: number): boolean => a !== undefined && Math.abs(a - b) > 20;
  return (
    off(wanted.baseReachableMs, table.baseReachableMs) ||
    off(wanted.delayProbeMs, table.delayProbeMs) ||
    off(wanted.intervalProbeMs, table.intervalProbeMs)
  );
}

function setTimers(
  netlink: RouteNetlink,
  { ifindex, family }: { ifindex: number; family: 4 | 6 },
  timers: NeighborTimers,
): void {
  try {
    netlink.setNeighborTable(family, ifindex, timers);
  } catch (error) {
    // The interface has gone, or has no IPv6.
    if (!(error instanceof NetlinkError) || !['ENOENT', 'ENODEV'].includes(error.code)) throw error;
  }
}
