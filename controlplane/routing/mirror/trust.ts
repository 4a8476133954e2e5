/**
 * When packets may believe the tables. All of this must hold: everything was read, every change up to now is written, the
 * family has no rules but the kernel's own, the sampler found no difference, and the lease lasts. Trust is given and
 * taken by one store.
 */
import type { MirrorMemory } from './memory.ts';
import type { Side, Sides } from './side.ts';

/** The lease, in units of the daemon's renewals, of which there is one a second. */
const LEASE_SECONDS = 3n;
/** Of the jiffies between two renewals, `settings.lease` is this many ahead. */
const SETTINGS_SECONDS = 5n;

export class Trust {
  readonly #memory: MirrorMemory;
  readonly #sides: Sides;
  /** Everything was read and written once. */
  synced = false;
  /** Changes come faster than they are written. */
  lagging = false;
  /** Rules changed and have not been read, or never were. */
  rulesStale = true;
  /** The mirror differed from the kernel too often. */
  givenUp = false;

  constructor(memory: MirrorMemory, sides: Sides) {
    this.#memory = memory;
    this.#sides = sides;
    this.withdraw();
  }

  /** Tells packets what to believe, and until when. */
  publish(): void {
    const sure = this.synced && !this.lagging && !this.rulesStale && !this.givenUp;
    for (const side of this.#sides) side.valid = sure && side.rule === undefined;
    const [four, six] = this.#sides;
    this.#memory.trust = { lease: this.#leaseEnd(), ipv4: Number(four.valid), ipv6: Number(six.valid) };
  }

  /** Packets ask the kernel from now on. */
  withdraw(): void {
    this.#memory.trust = { lease: 0n, ipv4: 0, ipv6: 0 };
  }

  whyNot(side: Side): string | undefined {
    if (side.valid) return undefined;
    if (this.givenUp) return 'it differed from the kernel again and again';
    if (!this.synced) return 'the routes are being read';
    if (side.rule !== undefined) return `policy rules are the kernel's: ${side.rule}`;
    if (this.lagging) return 'routes change faster than they are written';
    return 'rules are being read';
  }

  /** As the daemon's own lease, but shorter: a mirror nobody keeps is wrong sooner than anything else. */
  #leaseEnd(): bigint {
    const { lease, renewed } = this.#memory.settings;
    if (lease <= renewed) return 0n;
    return renewed + ((lease - renewed) * LEASE_SECONDS) / SETTINGS_SECONDS;
  }
}
