/** Are the rings long enough for a burst? */
import { type Check, ok, type Result, unknown } from '../check.ts';

/** A millisecond of small packets at a million a second. */
const SHORT = 1024;

export const rings: Check = {
  name: 'rings',
  why: 'Packets that arrive while a CPU is busy elsewhere wait in the ring; when it is full the card drops them before anybody counts.',
  examine({ interfaces }) {
    return interfaces.map(({ name, rings: ring }): Result => {
      if (!ring) return unknown(name, 'the driver does not tell its rings');
      const wanted = Math.min(SHORT, ring.receiveMax);
      if (ring.receive >= wanted) return ok(name, `receive ring of ${ring.receive}`);
      return {
        subject: name,
        verdict: 'warn',
        says: `receive ring of ${ring.receive} of at most ${ring.receiveMax}`,
        mend: `ethtool -G ${name} rx ${Math.min(ring.receiveMax, 2 * SHORT)}`,
      };
    });
  },
};
