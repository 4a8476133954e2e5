/**
 * The different ways out that routes name: a gateway on an interface, several of them, or a nexthop object.
 *
 * A million routes share a few thousand of these, so they are plain objects, found by what they say and by what they
 * depend on: the interface of each leg, the nexthop object and, for a group, its members. A hop that says "suspended"
 * must not be trusted: something it stands on has changed and the kernel may not have told all of it yet.
 */

/** One way out. */
export interface Leg {
  readonly ifindex: number;
  /** Address of the next router (4 or 16 bytes); undefined: the destination itself is on the link. */
  readonly gateway: Uint8Array | undefined;
}

/** What a route says of its way out. */
export interface HopDescription {
  readonly legs: readonly Leg[];
  /** Of the nexthop object it names; its legs then follow the object's. */
  readonly nexthop?: number;
  /** Nothing else is asked of the packet: no encapsulation, no locked MTU, no flag we do not model. */
  readonly plain: boolean;
  /** IPv4: this host's address that it names as source; the route goes when the address does. */
  readonly source?: number;
  /** IPv6: only packets from this prefix are meant: its address in hex, "/", its length. */
  readonly from?: string;
  /** The hop that was found for this very object last. */
  interned?: Hop;
}

/** A nexthop object as the kernel tells it. */
export interface NexthopObject {
  readonly legs: readonly Leg[];
  /** Objects a group consists of; empty for a single one. */
  readonly members: readonly number[];
  readonly plain: boolean;
}

const special = ' special';

export interface Hop {
  readonly id: number;
  readonly key: string;
  readonly nexthop: number | undefined;
  readonly source: number | undefined;
  readonly from: string | undefined;
  legs: readonly Leg[];
  plain: boolean;
  suspended: boolean;
  /** Routes that use it. */
  users: number;
  /** For the writer: the record of its first leg. */
  record: HopRecord | undefined;
}

/** The record that packets read for a leg, as long as prefixes name it. */
export interface HopRecord {
  readonly number: number;
  readonly key: string;
  readonly leg: Leg;
  /** -1: it has been given back. */
  prefixes: number;
  /** It says "ask" whatever its neighbor is: prefixes that must not lead there any more may not be rewritten yet. */
  suspended: boolean;
}

export class HopRegistry {
  readonly #hops: (Hop | undefined)[] = [undefined];
  readonly #byKey = new Map<string, Hop>();
  readonly #byInterface = new Map<number, Set<Hop>>();
  readonly #byNexthop = new Map<number, Set<Hop>>();
  readonly #objects = new Map<number, NexthopObject>();
  /** Hops by source prefix. */
  readonly #sources = new Map<string, number>();
  readonly #free: number[] = [];

  get size(): number {
    return this.#byKey.size;
  }

  get(id: number): Hop {
    const hop = this.#hops[id];
    if (!hop) throw new Error(`find hop ${id}: nothing uses it`);
    return hop;
  }

  /**
   * The hop that says just this, made when it is new. It lasts while `users` is above 0: see `release`. The same
   * description object is found again without spelling it out.
   */
  intern(description: HopDescription): Hop {
    const recent = description.interned;
    if (recent && this.#hops[recent.id] === recent) return recent;
    description.interned = this.#internByKey(description);
    return description.interned;
  }

  #internByKey(description: HopDescription): Hop {
    const key = keyOf(description);
    const known = this.#byKey.get(key);
    if (known) return known;
    const object = description.nexthop === undefined ? undefined : this.#objects.get(description.nexthop);
    const hop: Hop = {
      id: this.#free.pop() ?? this.#hops.length,
      key,
      nexthop: description.nexthop,
      source: description.source,
      from: description.from,
      legs: object ? this.#legsOf(object) : description.legs,
      plain: description.plain && (!object || this.#isPlain(object)),
      suspended: false,
      users: 0,
      record: undefined,
    };
    this.#hops[hop.id] = hop;
    this.#byKey.set(key, hop);
    if (hop.from !== undefined) this.#sources.set(hop.from, (this.#sources.get(hop.from) ?? 0) + 1);
    if (hop.nexthop !== undefined)
      this.#byNexthop.set(hop.nexthop, (this.#byNexthop.get(hop.nexthop) ?? new Set<Hop>()).add(hop));
    this.#index(hop);
    return hop;
  }

  /** Forgets the hop when no route uses it. */
  release(hop: Hop): void {
    if (hop.users > 0 || this.#hops[hop.id] !== hop) return;
    this.#unindex(hop);
    this.#byKey.delete(hop.key);
    if (hop.from !== undefined) {
      const left = this.#sources.get(hop.from)! - 1;
      if (left > 0) this.#sources.set(hop.from, left);
      else this.#sources.delete(hop.from);
    }
    if (hop.nexthop !== undefined) {
      const same = this.#byNexthop.get(hop.nexthop);
      same?.delete(hop);
      if (same?.size === 0) this.#byNexthop.delete(hop.nexthop);
    }
    this.#hops[hop.id] = undefined;
    this.#free.push(hop.id);
  }

  /** Hops with a leg on this interface. */
  onInterface(ifindex: number): readonly Hop[] {
    return [...(this.#byInterface.get(ifindex) ?? [])];
  }

  /** Hops that name this address as their source. */
  ofSource(source: number): readonly Hop[] {
    return [...this.#byKey.values()].filter((hop) => hop.source === source);
  }

  /** Source prefixes that routes name. */
  get sources(): readonly string[] {
    return [...this.#sources.keys()];
  }

  /** Hops that stand on this nexthop object: it itself and the groups it is in. */
  onNexthop(id: number): readonly Hop[] {
    return [id, ...this.#groupsOf(id)].flatMap((each) => [...(this.#byNexthop.get(each) ?? [])]);
  }

  /** Single nexthop objects with their leg on this interface. */
  objectsOn(ifindex: number): readonly number[] {
    return [...this.#objects].flatMap(([id, { legs }]) => (legs.some((leg) => leg.ifindex === ifindex) ? [id] : []));
  }

  /** Is there such an object? */
  hasObject(id: number): boolean {
    return this.#objects.has(id);
  }

  /** Creates or replaces an object; hops on it have other legs then: see `onNexthop`. */
  define(id: number, object: NexthopObject): void {
    this.#objects.set(id, object);
    for (const hop of this.onNexthop(id)) {
      const own = this.#objects.get(hop.nexthop!)!;
      this.#unindex(hop);
      hop.legs = this.#legsOf(own);
      hop.plain = this.#isPlain(own) && !hop.key.includes(special);
      this.#index(hop);
    }
  }

  /** The object is gone, from groups too; a group without members is gone with its last one. */
  remove(id: number): void {
    const groups = this.#groupsOf(id);
    for (const hop of this.#byNexthop.get(id) ?? []) {
      this.#unindex(hop);
      hop.legs = [];
    }
    this.#objects.delete(id);
    for (const group of groups) {
      const object = this.#objects.get(group)!;
      const members = object.members.filter((member) => member !== id);
      if (members.length === 0) this.remove(group);
      else this.define(group, { ...object, members });
    }
  }

  #groupsOf(id: number): readonly number[] {
    return [...this.#objects].flatMap(([group, { members }]) => (members.includes(id) ? [group] : []));
  }

  #legsOf(object: NexthopObject): readonly Leg[] {
    if (object.members.length === 0) return object.legs;
    return object.members.flatMap((member) => this.#objects.get(member)?.legs ?? []);
  }

  /** A group is as plain as its members: none of them may do to a packet what is not modeled. */
  #isPlain({ plain, members }: NexthopObject): boolean {
    return plain && members.every((member) => this.#objects.get(member)?.plain);
  }

  #index(hop: Hop): void {
    for (const { ifindex } of hop.legs) {
      const hops = this.#byInterface.get(ifindex) ?? new Set();
      this.#byInterface.set(ifindex, hops.add(hop));
    }
  }

  #unindex(hop: Hop): void {
    for (const { ifindex } of hop.legs) {
      const hops = this.#byInterface.get(ifindex);
      hops?.delete(hop);
      if (hops?.size === 0) this.#byInterface.delete(ifindex);
    }
  }
}

/** The same text for the same way out. */
export function legKey({ ifindex, gateway }: Leg): string {
  if (!gateway) return `${ifindex}:`;
  return `${ifindex}:${Buffer.from(gateway.buffer, gateway.byteOffset, gateway.byteLength).toString('hex')}`;
}

function keyOf({ nexthop, legs, plain, source, from }: HopDescription): string {
  if (nexthop === undefined && legs.length === 1 && plain && !source && from === undefined) return legKey(legs[0]!);
  const suffix = (plain ? '' : special) + (source ? ` source ${source}` : '') + (from ? ` from ${from}` : '');
  return nexthop === undefined ? legs.map(legKey).sort().join(' ') + suffix : `object ${nexthop}${suffix}`;
}
