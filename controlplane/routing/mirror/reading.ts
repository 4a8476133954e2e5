/**
 * Reads all that the mirror must know from the kernel, in slices, while changes are announced on another socket.
 *
 * Order is what makes it right. Everything is told first and read afterwards: groups are joined, then tables are read,
 * and announcements are applied behind the part of the reading they may be younger than (see route-dump.ts).
 */
import type { RouteNetlink, RouteView } from '../../netlink/index.ts';
import { finish, localTable, mainTable, type Rib } from '../rib/index.ts';
import type { Changes } from './changes.ts';
import { describeNexthop, emptyDescription, RouteDescriber } from './describe.ts';
import { DumpSeams } from './dump-seams.ts';
import { dumpRoutes } from './route-dump.ts';
import { seamWatcher } from './seam-watcher.ts';
import { type Sides, sideOf } from './side.ts';
import type { Slices } from './slices.ts';
import type { Surroundings } from './surroundings.ts';

/** Interrupted readings of a table that are tried again before all is begun anew. */
const DUMP_TRIES = 6;
/** Routes between being read and being put into the RIB. */
const BATCH = 32;

export interface ReadingOptions {
  readonly netlink: RouteNetlink;
  readonly sides: Sides;
  readonly surroundings: Surroundings;
  readonly changes: Changes;
  readonly slices: Slices;
  /** Takes announcements that have come; they are set aside. @returns whether none are left. */
  readonly drain: () => boolean;
  /** Shall it end early? */
  readonly cancelled: () => boolean;
}

/** Forgets everything and reads it anew; `changes` holds. @returns whether it came to its end. */
export async function readRoutes(options: ReadingOptions): Promise<boolean> {
  const { sides, slices } = options;
  slices.begin();
  for (const { rib } of sides) {
    rib.clear();
    await slices.breathe();
  }
  await readSurroundings(options);
  for (const { family } of sides)
    for (const table of [localTable, mainTable]) if (!(await readTable(options, family, table))) return false;
  await catchUp(options);
  return !options.cancelled();
}

async function readSurroundings({ netlink, sides, surroundings, slices }: ReadingOptions): Promise<void> {
  surroundings.clear();
  for (const link of netlink.links()) {
    surroundings.setLink(link);
    await slices.breathe();
  }
  for (const address of netlink.addresses()) {
    surroundings.addAddress(address);
    await slices.breathe();
  }
  const neighbors = await netlink.neighborsSliced();
  slices.begin();
  for (const neighbor of neighbors) {
    surroundings.setNeighbor(neighbor);
    await slices.breathe();
  }
  const nexthops = await netlink.nexthopsSliced();
  slices.begin();
  for (const nexthop of nexthops) {
    for (const { rib } of sides) finish(rib.nexthopDefined(nexthop.id, describeNexthop(nexthop)));
    await slices.breathe();
  }
}

/** @returns whether to go on. */
async function readTable(options: ReadingOptions, family: 4 | 6, table: number): Promise<boolean> {
  const { changes, sides, slices } = options;
  const { rib } = sideOf(sides, family);
  const batch = new RouteBatch(rib);
  for (let tries = 0; ; tries++) {
    const seams = new DumpSeams();
    changes.watch = family === 4 ? seamWatcher(seams, options.surroundings.links) : undefined;
    const consistent = await dumpRoutes({
      family,
      table,
      visit: (route) => batch.add(route),
      onPart: (first, last) => {
        batch.flush();
        seams.part(first, last);
        return changes.isPending() ? catchUp(options) : undefined;
      },
      onApplied: () => seams.taken(options.drain()),
      cancelled: options.cancelled,
      breathe: () => slices.breathe(),
    });
    while (seams.unsure && !options.cancelled()) {
      seams.taken(options.drain());
      await slices.breathe();
    }
    changes.watch = undefined;
    if (consistent === undefined) return false;
    // IPv6 says when it may have skipped something; of IPv4, it is to be found out.
    if (family === 4 ? !seams.torn : consistent) return true;
    if (tries === DUMP_TRIES) throw new Error(`IPv${family} routes change too fast to be read`);
  }
}

/**
 * Routes on their way into the RIB, some at a time: each has the processor fetch what it will touch there while the next
 * ones are being read.
 */
export class RouteBatch {
  readonly #rib: Rib;
  readonly #describer = new RouteDescriber();
  readonly #routes = Array.from({ length: BATCH }, emptyDescription);
  #count = 0;
  /** Nobody's number: it keeps `warm` from being left out. */
  #warmth = 0;

  constructor(rib: Rib) {
    this.#rib = rib;
  }

  add(view: RouteView): void {
    const route = this.#routes[this.#count++]!;
    this.#describer.describe(view, route);
    this.#warmth ^= this.#rib.warm(route.address, route.length);
    if (this.#count === BATCH) this.flush();
  }

  flush(): void {
    for (let i = 0; i < this.#count; i++) this.#rib.add(this.#routes[i]!, 'append');
    this.#count = 0;
  }
}

/** Applies what was taken up to now, and not what comes meanwhile: it may be younger than the part that is next. */
async function catchUp({ changes, slices, cancelled }: ReadingOptions): Promise<void> {
  const { mark } = changes;
  while (changes.isPending(mark) && !cancelled()) {
    changes.proceed(slices.deadline, mark);
    await slices.breathe();
  }
}
