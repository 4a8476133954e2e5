/**
 * Waiting for what must become true. Tests here never sleep for a guessed time: they ask again until the answer is the
 * wanted one, and say at the deadline what they last saw. The deadline only ends a failure; it is no measurement.
 */
import { setTimeout as delay } from 'node:timers/promises';

/** How many times longer to wait for everything: 1, or HEADRACE_TEST_PATIENCE on a machine that is emulated. */
export const patience = Number(process.env['HEADRACE_TEST_PATIENCE'] ?? 1);

export interface WaitOptions {
  /** When to give up, in milliseconds. Default 20 000. */
  readonly timeoutMs?: number;
  /** How long to pause between two looks, in milliseconds. Default 50. */
  readonly everyMs?: number;
}

/**
 * Looks with `probe` until it returns something truthy, and returns that. A probe that throws counts as "not yet".
 * @throws Error naming `what` and the last error or value when the deadline passes.
 */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<NonNullable<T>> {
  const timeoutMs = (options.timeoutMs ?? 20_000) * patience;
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      const seen = last instanceof Error ? last.message : JSON.stringify(last);
      throw new Error(`wait for ${what}: still not so after ${timeoutMs} ms (last: ${seen})`, {
        cause: last,
      });
    }
    await delay(options.everyMs ?? 50);
  }
}
