/**
 * No connection breaks that should live, whatever happens in whatever order: the rules of slots against simulated
 * connections that go through them as the packet path sends them.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BackendId,
  expireSlot,
  type Move,
  moveSlot,
  prolongSlot,
  type Slot,
  sweepSlot,
} from '../../../../controlplane/balancer/slot.ts';

const SETTLE = 100;
const everybody: Move = { now: 0, settleFor: SETTLE, lives: (backend) => backend !== 0 };
const steady = (current: BackendId): Slot => ({ phase: 'steady', current });
const pinned = (current: BackendId): Slot => ({ phase: 'pinned', current });
const settling = (current: BackendId, previous: BackendId, deadline = SETTLE): Slot => ({
  phase: 'settling',
  current,
  previous,
  deadline,
});
const without = (...dead: BackendId[]): Move => ({ ...everybody, lives: (b) => b !== 0 && !dead.includes(b) });

describe('moveSlot()', () => {
  it.each<[string, Slot, BackendId, Move, Slot]>([
    ['stays steady with its owner', steady(1), 1, everybody, steady(1)],
    ['settles when its owner lives', steady(1), 2, everybody, settling(2, 1)],
    ['gives up an owner that is dead at once', steady(1), 2, without(1), steady(2)],
    ['gives up nobody at once', steady(0), 2, everybody, steady(2)],
    ['settles for a drained owner with nobody to follow', steady(1), 0, everybody, settling(0, 1)],
    ['keeps the oldest owner in a second change', settling(2, 1, 60), 3, everybody, settling(3, 1, 60)],
    ['is pinned when it goes back', settling(2, 1, 60), 1, everybody, pinned(1)],
    ['stops settling when the previous owner dies', settling(2, 1, 60), 2, without(1), pinned(2)],
    ['stops settling when both are gone, entries stay', settling(2, 1, 60), 3, without(1, 2), pinned(3)],
    ['goes on settling when only the current owner dies', settling(2, 1, 60), 3, without(2), settling(3, 1, 60)],
    ['settles anew when pinned', pinned(1), 2, everybody, settling(2, 1)],
    ['stays pinned when its owner dies, entries stay', pinned(1), 2, without(1), pinned(2)],
    ['starts anew when its time was over', settling(2, 1, 0), 3, everybody, settling(3, 2)],
  ])('%s', (_, slot, owner, move, expected) => {
    expect(moveSlot(slot, owner, move)).toEqual(expected);
  });
});

describe('time', () => {
  it('pins a slot at its deadline and not before', () => {
    expect(expireSlot(settling(2, 1), SETTLE - 1)).toEqual(settling(2, 1));
    expect(expireSlot(settling(2, 1), SETTLE)).toEqual(pinned(2));
  });

  it('is prolonged only where something settles, and never shortened', () => {
    expect(prolongSlot(settling(2, 1), 150)).toEqual(settling(2, 1, 150));
    expect(prolongSlot(settling(2, 1), 50)).toEqual(settling(2, 1));
    expect(prolongSlot(pinned(2), 150)).toEqual(pinned(2));
  });

  it('frees a pinned slot when the table has nothing of it', () => {
    expect(sweepSlot(pinned(2), 0)).toEqual(steady(2));
    expect(sweepSlot(pinned(2), 1)).toEqual(pinned(2));
    expect(sweepSlot(settling(2, 1), 0)).toEqual(settling(2, 1));
  });
});

interface Connection {
  readonly number: number;
  /** Where its first packet went. */
  readonly backend: BackendId;
  open: boolean;
  /** Its backend has not died since, and it was not silent for a whole time of settling. */
  entitled: boolean;
  /** A packet of it got through the table, or found room in it, since the slot began to settle. */
  heard: boolean;
}

/** One slot, its part of the table, its backends and its connections, as packet path and control plane treat them. */
class World {
  slot: Slot = steady(1);
  now = 0;
  /** Who keeps its backend: whoever the table heard of, or everyone, and everyone speaks before time passes. */
  promise: 'everyone heard' | 'everyone who speaks' = 'everyone heard';
  full = false;
  refusedSinceTick = false;
  readonly dead = new Set<BackendId>([0]);
  readonly table = new Map<number, BackendId>();
  readonly connections: Connection[] = [];

  #lives = (backend: BackendId): boolean => !this.dead.has(backend);

  /** What xdp-programs does with a packet. */
  packet(connection: number, first: boolean): BackendId {
    const slot = this.slot;
    if (slot.phase === 'steady') return slot.current;
    const entry = this.table.get(connection);
    if (entry !== undefined && this.#lives(entry)) return entry;
    if (slot.phase === 'pinned' || this.now >= slot.deadline) return slot.current;
    const wanted = first ? slot.current : slot.previous;
    if (!this.#lives(wanted)) return slot.current;
    if (!this.full) {
      this.table.set(connection, wanted);
      return wanted;
    }
    this.refusedSinceTick = true;
    return this.#lives(slot.previous) ? slot.previous : slot.current;
  }

  begin(): void {
    const number = this.connections.length;
    const backend = this.packet(number, true);
    if (!this.#lives(backend)) return; // no backend: answered by policy
    this.connections.push({ number, backend, open: true, entitled: true, heard: this.table.has(number) });
  }

  speak(pick: number): void {
    const open = this.connections.filter((connection) => connection.open);
    const connection = open[pick % Math.max(1, open.length)];
    if (connection) this.#hear(connection);
  }

  speakAll(): void {
    for (const connection of this.connections) if (connection.open) this.#hear(connection);
  }

  #hear(connection: Connection): void {
    const went = this.packet(connection.number, false);
    if (connection.entitled) expect([connection.number, went]).toEqual([connection.number, connection.backend]);
    if (this.table.has(connection.number)) connection.heard = true;
  }

  end(pick: number): void {
    const connection = this.connections[pick % Math.max(1, this.connections.length)];
    if (connection) connection.open = false;
  }

  change(owner: BackendId): void {
    const before = this.slot;
    this.slot = moveSlot(before, this.#lives(owner) ? owner : 0, {
      now: this.now,
      settleFor: SETTLE,
      lives: this.#lives,
    });
    this.#passed(before);
    const begun =
      this.slot.phase === 'settling' && (before.phase !== 'settling' || before.deadline !== this.slot.deadline);
    if (begun) for (const connection of this.connections) connection.heard = this.table.has(connection.number);
  }

  die(backend: BackendId): void {
    this.dead.add(backend);
    for (const connection of this.connections) if (connection.backend === backend) connection.entitled = false;
    this.change(this.slot.current === backend ? (backend % 4) + 1 : this.slot.current);
  }

  rise(backend: BackendId): void {
    // An entry that names a backend which died is of no connection that must live; the sweep takes it.
    for (const [number, named] of this.table)
      if (named === backend && this.dead.has(backend)) this.table.delete(number);
    this.dead.delete(backend);
  }

  /** Time goes on in steps shorter than a time of settling, as the daemon's do. */
  pass(time: number): void {
    if (this.promise === 'everyone who speaks') this.speakAll();
    if (this.refusedSinceTick) this.slot = prolongSlot(this.slot, this.now + SETTLE);
    this.refusedSinceTick = false;
    this.now += time;
    const before = this.slot;
    this.slot = expireSlot(before, this.now);
    this.#passed(before);
  }

  /** Whoever was not heard of while the slot settled, up to its deadline, is not promised anything. */
  #passed(before: Slot): void {
    if (before.phase !== 'settling' || this.now < before.deadline) return;
    if (this.promise === 'everyone who speaks') return;
    for (const connection of this.connections) if (!connection.heard) connection.entitled = false;
  }

  /** Whether the table takes no more entries from now on. */
  fill(full: boolean): void {
    this.full = full;
  }

  sweep(): void {
    for (const { number, open } of this.connections) if (!open) this.table.delete(number);
    this.slot = sweepSlot(this.slot, this.table.size);
  }
}

const backend = fc.integer({ min: 1, max: 4 });
const step: fc.Arbitrary<(world: World) => void> = fc.oneof(
  { weight: 6, arbitrary: fc.constant((world: World) => world.begin()) },
  { weight: 12, arbitrary: fc.nat(50).map((pick) => (world: World) => world.speak(pick)) },
  { weight: 3, arbitrary: backend.map((owner) => (world: World) => world.change(owner)) },
  { weight: 1, arbitrary: backend.map((which) => (world: World) => world.die(which)) },
  { weight: 1, arbitrary: backend.map((which) => (world: World) => world.rise(which)) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: SETTLE - 1 }).map((time) => (world: World) => world.pass(time)) },
  { weight: 2, arbitrary: fc.nat(50).map((pick) => (world: World) => world.end(pick)) },
  { weight: 2, arbitrary: fc.constant((world: World) => world.sweep()) },
  { weight: 1, arbitrary: fc.boolean().map((full) => (world: World) => world.fill(full)) },
);

describe('slots and connections', () => {
  it('no connection leaves a backend that lives unless it was silent for a whole time of settling', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 120 }), (steps) => {
        const world = new World();
        for (const act of steps) act(world);
        for (let i = 0; i < world.connections.length; i++) world.speak(i);
      }),
      { numRuns: 800 },
    );
  });

  it('no connection that never falls silent leaves a backend that lives, however often the table is full', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 120 }), (steps) => {
        const world = new World();
        world.promise = 'everyone who speaks';
        for (const act of steps) act(world);
        world.speakAll();
      }),
      { numRuns: 500 },
    );
  });

  it('comes to rest: without changes and connections a slot is steady after its time', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const world = new World();
        for (const act of steps) act(world);
        for (const connection of world.connections) connection.open = false;
        for (let i = 0; i < 4; i++) world.pass(SETTLE - 1);
        world.sweep();
        expect(world.slot.phase).toBe('steady');
      }),
      { numRuns: 300 },
    );
  });

  it('remembers nothing while nothing changes', () => {
    const world = new World();
    for (let i = 0; i < 100; i++) world.begin();
    expect(world.table.size).toBe(0);
  });
});
