/**
 * What becomes of one slot of a ring when its owner changes: the rules that keep connections without remembering them.
 *
 * - *steady*: every packet goes to `current`; nobody remembers anything.
 * - *settling*: the owner has changed, and connections older than the change still live at `previous`. A packet that
 *   begins a connection goes to `current` and is remembered. Any other is looked up; if it is not known it belongs to an
 *   older connection, goes to `previous`, and is remembered as such. Until `deadline`.
 * - *pinned*: whoever spoke while the slot settled is remembered and stays where it is, everybody else goes to
 *   `current`. Nothing is entered any more, so entries only become fewer; when none is left, the slot is steady.
 *
 * A backend that does not live (down, or in maintenance) gives up everything at once: the packet path ignores entries
 * that name it, and no slot settles for its sake. Backend 0 is nobody: it never lives, and packets sent to it are
 * treated as the service says for "no backend".
 */

/** Number of a backend in the packet path; 0 is nobody. */
export type BackendId = number;

export type Slot =
  | { readonly phase: 'steady'; readonly current: BackendId }
  | {
      readonly phase: 'settling';
      readonly current: BackendId;
      readonly previous: BackendId;
      /** When it stops settling, by the clock `Move.now` is read from. */
      readonly deadline: number;
    }
  | { readonly phase: 'pinned'; readonly current: BackendId };

export interface Move {
  readonly now: number;
  /** How long a slot settles: connections that stay silent for longer may lose their backend. */
  readonly settleFor: number;
  /** Does the backend still serve the connections it has? */
  readonly lives: (backend: BackendId) => boolean;
}

/** The slot is to belong to `owner`, which may be the one it belongs to already. */
export function moveSlot(slot: Slot, owner: BackendId, move: Move): Slot {
  const settled = giveUp(expireSlot(slot, move.now), move);
  if (settled.current === owner) return settled;
  switch (settled.phase) {
    case 'steady':
      return move.lives(settled.current) ? settlingFrom(settled.current, owner, move) : { ...settled, current: owner };
    case 'settling':
      // Who began since the first change is in the table, whoever owned the slot then; who is older is at `previous`.
      // Back with `previous`, both kinds of unknown packets go to one backend: nothing is left to be found out.
      return settled.previous === owner ? { phase: 'pinned', current: owner } : { ...settled, current: owner };
    case 'pinned':
      return move.lives(settled.current) ? settlingFrom(settled.current, owner, move) : { ...settled, current: owner };
  }
}

/** No one waits for a dead backend: its older connections are lost, the younger ones are in the table. */
function giveUp(slot: Slot, { lives }: Move): Slot {
  return slot.phase === 'settling' && !lives(slot.previous) ? { phase: 'pinned', current: slot.current } : slot;
}

function settlingFrom(previous: BackendId, owner: BackendId, { now, settleFor }: Move): Slot {
  return { phase: 'settling', current: owner, previous, deadline: now + settleFor };
}

/** A slot whose time to settle is over is pinned. The packet path does the same by itself when the deadline passes. */
export function expireSlot(slot: Slot, now: number): Slot {
  return slot.phase === 'settling' && now >= slot.deadline ? { phase: 'pinned', current: slot.current } : slot;
}

/**
 * Packets found no room in the table while the slot settled: connections there are not remembered yet, so it goes on
 * settling until `deadline` at least.
 */
export function prolongSlot(slot: Slot, deadline: number): Slot {
  return slot.phase === 'settling' && slot.deadline < deadline ? { ...slot, deadline } : slot;
}

/** A pinned slot that no entry of the table belongs to is steady. `entries`: counted since it was pinned. */
export function sweepSlot(slot: Slot, entries: number): Slot {
  return slot.phase === 'pinned' && entries === 0 ? { phase: 'steady', current: slot.current } : slot;
}
