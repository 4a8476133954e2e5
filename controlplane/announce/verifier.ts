/**
 * Verification that goes on by itself: now and then, and soon after a change. One question at a time; while the daemon
 * cannot be asked, the last answer is not taken for the present.
 */
import type { Clock, Timer } from '../health/index.ts';
import { type Verification, type VerifySettings, verifyAnnouncements } from './verify.ts';

const EVERY_MS = 10_000;
const AFTER_CHANGE_MS = 500;

export interface VerifierOptions {
  readonly clock: Clock;
  /** The VIPs that are in the table. */
  readonly vips: () => readonly string[];
  /** Default: ask the daemon. */
  readonly verify?: (settings: VerifySettings, vips: readonly string[]) => Promise<Verification>;
}

export class Verifier {
  readonly #options: VerifierOptions;
  readonly #verify: NonNullable<VerifierOptions['verify']>;
  #settings: VerifySettings | undefined;
  #result: Verification | undefined;
  #error = '';
  #timer: Timer | undefined;
  #running = false;
  #again = false;
  #closed = false;

  constructor(options: VerifierOptions) {
    this.#options = options;
    this.#verify = options.verify ?? verifyAnnouncements;
  }

  /** The last answer; undefined before the first, and while the daemon does not answer. */
  get result(): Verification | undefined {
    return this.#result;
  }

  /** Why there is no answer; empty when there is one, or none is wanted. */
  get error(): string {
    return this.#error;
  }

  /** Asks by these settings from now on; undefined asks no more. */
  apply(settings: VerifySettings | undefined): void {
    this.#settings = settings;
    this.#result = undefined;
    this.#error = '';
    this.soon();
  }

  /** Something changed: asks again in a moment, when the daemon has had time to act. */
  soon(): void {
    if (this.#running) this.#again = true;
    else this.#arm(AFTER_CHANGE_MS);
  }

  #arm(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#settings && !this.#closed ? this.#options.clock.after(ms, () => void this.#ask()) : undefined;
  }

  async #ask(): Promise<void> {
    const settings = this.#settings;
    if (!settings || this.#closed) return;
    this.#running = true;
    try {
      const result = await this.#verify(settings, this.#options.vips());
      if (settings === this.#settings) {
        this.#result = result;
        this.#error = '';
      }
    } catch (error) {
      this.#result = undefined;
      this.#error = error instanceof Error ? error.message : String(error);
    }
    this.#running = false;
    this.#arm(this.#again ? AFTER_CHANGE_MS : EVERY_MS);
    this.#again = false;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }
}
