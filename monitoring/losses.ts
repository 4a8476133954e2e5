/**
 * What is lost after the verdict, in words: which causes want something done, and whether losses go on.
 *
 * A full queue is traffic beyond what the way out takes, and comes in bursts; every other cause loses all that goes that
 * way until somebody mends it. So a box is unwell when every look for a while found more of the latter.
 */
import type { LossRow } from '../controlplane/dataplane/index.ts';

/** How long a loss is told of, milliseconds. */
const TOLD_MS = 60_000;
/** What has been lost at every look for so long, milliseconds, is no accident. */
const GOES_ON_MS = 25_000;

const advice: Readonly<Record<string, string>> = {
  down: 'it was down when they should have left: is its route taken away with it (`ip route`), or does the link flap?',
  no_xdp_transmit:
    'it takes no XDP frames ("headrace interfaces"): on veth the far end needs GRO or an XDP program for that ("ethtool -K … gro on")',
  no_receiver:
    'nobody took them: on veth the far end needs GRO or an XDP program for that ("ethtool -K … gro on"), on hardware there must be queues for XDP ("ethtool -L")',
  too_long: 'they were longer than its MTU: are the MTUs of both ends, and of its VLANs, the same?',
  queue_full: 'its queue was full: it gets more than it can send',
  tx: 'they should have gone back out of it, and the driver refused',
  other: 'the driver refused',
};

interface Seen {
  packets: bigint;
  /** When there began to be more at every look. */
  since: number | undefined;
  /** When there was more last. */
  at: number;
}

/** Keep one: it remembers the looks before. */
export class LossWatch {
  readonly #clock: () => number;
  readonly #seen = new Map<string, Seen>();

  /** @param clock milliseconds that only go forward. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** Looks again. Call every ten seconds or so. */
  look(rows: readonly LossRow[]): void {
    const now = this.#clock();
    for (const { interface: name, cause, packets } of rows) {
      const key = `${name} ${cause}`;
      const seen = this.#seen.get(key);
      if (!seen) {
        this.#seen.set(key, { packets, since: undefined, at: Number.NEGATIVE_INFINITY });
        continue;
      }
      // Counters that went back were started anew: what they hold came since.
      const more = packets < seen.packets ? packets > 0n : packets > seen.packets;
      seen.packets = packets;
      seen.since = more ? (seen.since ?? now) : undefined;
      if (more) seen.at = now;
    }
  }

  /** What goes on being lost for a cause that somebody has to mend. */
  problems(): string[] {
    return this.#told((cause, goesOn) => cause !== 'queue_full' && goesOn);
  }

  /** What else was lost in the last minute. */
  notes(): string[] {
    return this.#told((cause, goesOn) => cause === 'queue_full' || !goesOn);
  }

  /** Without figures: a text that changes at every look would be told as news at every look. */
  #told(which: (cause: string, goesOn: boolean) => boolean): string[] {
    const now = this.#clock();
    const texts: string[] = [];
    for (const [key, { since, at }] of this.#seen) {
      const [name = '', cause = ''] = key.split(' ');
      if (now - at > TOLD_MS || !which(cause, since !== undefined && now - since >= GOES_ON_MS)) continue;
      texts.push(
        `packets that were to leave by ${name || 'an interface without a name'} are lost (${cause}, see headrace_transmit_errors_total): ${advice[cause] ?? cause}`,
      );
    }
    return texts;
  }
}
