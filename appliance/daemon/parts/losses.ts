/** What is lost after the verdict: has it counted, and tells of it. */
import type { LossRow } from '../../../controlplane/dataplane/index.ts';
import type { Collectors } from '../../../monitoring/index.ts';
import { LossWatch } from '../../../monitoring/losses.ts';
import { lossesObjectPath } from '../object-path.ts';
import type { Part, PartContext, PartDefinition } from '../part.ts';

/** Least time between two looks, milliseconds. */
const LOOK_MS = 1000;

class LossesPart implements Part {
  readonly name = 'losses';
  readonly #context: PartContext;
  readonly #watch = new LossWatch();
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Why it is not counted. */
  #why: string | undefined;

  constructor(context: PartContext) {
    this.#context = context;
  }

  apply(): void {
    try {
      this.#context.plane.countLosses(lossesObjectPath);
      this.#why = undefined;
    } catch (error) {
      this.#why = error instanceof Error ? error.message : String(error);
    }
    this.refresh();
  }

  refresh(): void {
    // Events come in numbers, and between two of them there is little to see.
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    this.#watch.look(this.#rows());
  }

  #rows(): readonly LossRow[] {
    return this.#context.plane.losses() ?? [];
  }

  problems(): readonly string[] {
    return this.#watch.problems();
  }

  notes(): readonly string[] {
    const unknown = `packets lost after the verdict are not counted: ${this.#why}; "headrace load" with CAP_PERFMON before a start does what is needed, as headrace-load.service does`;
    return this.#why === undefined ? this.#watch.notes() : [unknown];
  }

  status(): unknown {
    const lost = this.#rows().filter(({ packets }) => packets > 0n);
    return {
      counted: this.#why === undefined,
      lost: lost.map(({ interface: name, cause, packets }) => ({ interface: name, cause, packets: Number(packets) })),
    };
  }

  metrics(): Collectors {
    return {
      transmitErrors: () =>
        this.#rows().map(({ interface: name, cause, packets }) => ({
          labels: { interface: name || 'other', cause },
          value: Number(packets),
        })),
      transmitErrorsCounted: () => [{ labels: {}, value: this.#why === undefined ? 1 : 0 }],
    };
  }

  close(): void {}
}

export const lossesPart: PartDefinition = { create: (context) => new LossesPart(context) };
