/**
 * The kernel's messages, applied to what the mirror knows, in their order.
 *
 * Some concern a great many routes: an interface goes down, a nexthop object is deleted. What must be known at once (these
 * next hops are not to be trusted) is done at once; the rest is work for many slices, and messages that come meanwhile
 * are set aside, because they may be about the same routes. They are set aside, too, while everything is read: `hold`.
 */

import { readAddress } from '../../netlink/address.ts';
import * as c from '../../netlink/constants.ts';
import { type Link, RouteView } from '../../netlink/index.ts';
import { readLink } from '../../netlink/link.ts';
import { readNeighbor } from '../../netlink/neighbor.ts';
import { readNexthop } from '../../netlink/nexthop.ts';
import { inTurn, localTable, mainTable, type Work } from '../rib/index.ts';
import { describeNexthop, emptyDescription, RouteDescriber } from './describe.ts';
import { type Applier, EventLog } from './event-log.ts';
import { type Side, type Sides, sideOf } from './side.ts';
import type { Surroundings } from './surroundings.ts';

const RTM_F_CLONED = 0x200;
/** Messages applied, and steps of work done, between two looks at the clock. */
const BATCH = 32;
const STEPS = 4;

export interface ChangesOptions {
  readonly sides: Sides;
  readonly surroundings: Surroundings;
  /** Rules changed: they must be read again. */
  readonly onRules: () => void;
  /** What a message tells does not say what the kernel has done: everything must be read again. */
  readonly onDoubt: (cause: string) => void;
}

export class Changes {
  readonly #sides: Sides;
  readonly #surroundings: Surroundings;
  readonly #onRules: () => void;
  readonly #onDoubt: (cause: string) => void;
  readonly #view = new RouteView();
  readonly #describer = new RouteDescriber();
  readonly #description = emptyDescription();
  readonly #aside = new EventLog();
  /** Sees every message as it comes, long before it may be applied. */
  watch: Applier | undefined;
  #work: Work | undefined;
  #held = false;
  #events = 0;

  constructor({ sides, surroundings, onRules, onDoubt }: ChangesOptions) {
    this.#sides = sides;
    this.#surroundings = surroundings;
    this.#onRules = onRules;
    this.#onDoubt = onDoubt;
  }

  /** Messages applied. */
  get events(): number {
    return this.#events;
  }

  /** A mark of this moment: messages that were set aside up to now come before it. */
  get mark(): number {
    return this.#aside.pushed;
  }

  /** Is there work that is not done, or a message from before `mark` that is not applied? */
  isPending(mark = Number.POSITIVE_INFINITY): boolean {
    return this.#work !== undefined || !this.#aside.isDone(mark);
  }

  /** Sets messages aside from now on; forgets what there was. `proceed` applies them, then and later. */
  hold(): void {
    this.watch = undefined;
    this.#work = undefined;
    this.#aside.clear();
    this.#held = true;
  }

  /** Messages are applied as they come. */
  release(): void {
    this.#held = false;
  }

  /** Applies a message, or sets it aside. */
  take(view: DataView, type: number, flags: number, start: number, end: number): void {
    this.watch?.(view, type, flags, start, end);
    if (this.#held || this.isPending()) this.#aside.push(view, type, flags, start, end);
    else this.#apply(view, type, flags, start, end);
  }

  /** Goes on with what is pending until `performance.now()` is `deadline`. */
  proceed(deadline: number, mark = Number.POSITIVE_INFINITY): void {
    while (this.isPending(mark) && performance.now() < deadline) {
      if (this.#work) {
        for (let step = 0; step < STEPS && this.#work; step++) if (this.#work.next().done) this.#work = undefined;
        continue;
      }
      let count = 0;
      this.#aside.replay(this.#apply, mark, () => !this.#work && count++ < BATCH);
    }
  }

  readonly #apply = (view: DataView, type: number, flags: number, start: number, end: number): void => {
    this.#events++;
    switch (type) {
      case c.RTM_NEWROUTE:
      case c.RTM_DELROUTE:
        this.#applyRoute(view, type === c.RTM_NEWROUTE, flags, start, end);
        break;
      case c.RTM_NEWNEIGH:
      case c.RTM_DELNEIGH: {
        const neighbor = readNeighbor(view, start, end);
        if (!neighbor) return;
        const gone = type === c.RTM_DELNEIGH;
        const leg = gone ? this.#surroundings.removeNeighbor(neighbor) : this.#surroundings.setNeighbor(neighbor);
        for (const { writer } of this.#sides) writer?.refreshLeg(leg);
        break;
      }
      case c.RTM_NEWLINK:
      case c.RTM_DELLINK: {
        const link = readLink(view, start, end);
        if (link) this.#applyLink(link, type === c.RTM_DELLINK);
        break;
      }
      case c.RTM_NEWADDR: {
        const address = readAddress(view, start, end);
        if (address) this.#surroundings.addAddress(address);
        break;
      }
      case c.RTM_DELADDR:
        this.#removeAddress(view, start, end);
        break;
      case c.RTM_NEWNEXTHOP:
      case c.RTM_DELNEXTHOP: {
        const nexthop = readNexthop(view, start, end);
        if (!nexthop) return;
        const change = ({ rib }: Side): Work =>
          type === c.RTM_NEWNEXTHOP
            ? rib.nexthopDefined(nexthop.id, describeNexthop(nexthop))
            : rib.nexthopDeleted(nexthop.id);
        this.#begin(this.#sides.map(change));
        break;
      }
      case c.RTM_NEWRULE:
      case c.RTM_DELRULE:
        this.#onRules();
        break;
    }
  };

  #applyRoute(view: DataView, isNew: boolean, flags: number, start: number, end: number): void {
    const route = this.#view;
    if (!route.read(view, start, end) || route.flags & RTM_F_CLONED) return;
    if (route.table !== mainTable && route.table !== localTable) return;
    const { rib } = sideOf(this.#sides, route.family);
    const description = this.#description;
    this.#describer.describe(route, description);
    if (!isNew) rib.delete(description);
    else rib.add(description, flags & c.NLM_F_REPLACE ? 'replace' : flags & c.NLM_F_APPEND ? 'append' : 'create');
  }

  /** Down or gone: what the kernel drops with it, with or without a message, is dropped. */
  #applyLink(link: Link, gone: boolean): void {
    const before = this.#surroundings.links.get(link.index);
    const wasUp = before?.up ?? false;
    const changed = gone || this.#surroundings.setLink(link);
    if (gone) this.#surroundings.removeLink(link.index);
    if (gone || (!link.up && wasUp)) this.#begin(this.#sides.map(({ rib }) => rib.linkDown(link.index)));
    else if (link.up && !wasUp) this.#begin(this.#sides.map(({ rib }) => rib.linkUp(link.index)));
    else if (link.up && !link.running) this.#applyNoCarrier(link, before?.running ?? false);
    if (changed) this.refreshLink(link.index);
  }

  /**
   * The kernel drops nexthop objects when it sees an interface neither running nor with carrier, and looks a moment
   * before it writes the message. Carrier may come back in that moment, and only then the message may be read both ways.
   */
  #applyNoCarrier(link: Link, wasRunning: boolean): void {
    if (!(link.flags & c.IFF_LOWER_UP)) this.#begin(this.#sides.map(({ rib }) => rib.carrierLost(link.index)));
    else if (wasRunning && this.#sides.some(({ rib }) => rib.hops.objectsOn(link.index).length > 0))
      this.#onDoubt('carrier');
  }

  #removeAddress(view: DataView, start: number, end: number): void {
    const address = readAddress(view, start, end);
    if (address?.family !== 4) return;
    const { wasLast, isGone } = this.#surroundings.removeAddress(address);
    const { rib } = sideOf(this.#sides, 4);
    const works: (Work | (() => Work))[] = [];
    if (isGone)
      works.push(rib.sourceGone(new DataView(address.bytes.buffer, address.bytes.byteOffset, 4).getUint32(0)));
    // An interface without an IPv4 address loses its IPv4 routes as if it went down, but no nexthop object.
    if (wasLast) {
      works.push(rib.addressesLost(address.ifindex));
      if (this.#surroundings.links.get(address.ifindex)?.up) works.push(() => rib.linkUp(address.ifindex));
    }
    if (works.length > 0) this.#begin(works);
  }

  /** Next hops on the interface are looked at again. */
  refreshLink(ifindex: number): void {
    for (const { writer } of this.#sides) writer?.refresh((leg) => leg.ifindex === ifindex);
  }

  /** Takes the first step; there is no work under way. */
  #begin(works: readonly (Work | (() => Work))[]): void {
    const work = inTurn(works);
    if (!work.next().done) this.#work = work;
  }
}
