/**
 * Reads the policy rules when they may have changed. Until they have been read, nobody believes the tables: a reading
 * that fails, for whatever reason, is tried again after a pause, not in every slice.
 */
import type { Rule } from '../../netlink/index.ts';
import { unusualRule } from './rules.ts';
import type { Side } from './side.ts';

const RETRY_MS = 20;

export interface RuleReaderOptions {
  readonly read: () => readonly Rule[];
  readonly sides: readonly Pick<Side, 'family' | 'rule'>[];
  /** It is time for another `refresh`. */
  readonly onRetry: () => void;
}

export class RuleReader implements Disposable {
  readonly #options: RuleReaderOptions;
  #stale = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RuleReaderOptions) {
    this.#options = options;
  }

  /** They changed and have not been read, or never were. */
  get stale(): boolean {
    return this.#stale;
  }

  /** A message told of a change. */
  invalidate(): void {
    this.#stale = true;
  }

  /** Reads them when they are stale, unless a reading failed a moment ago. */
  refresh(): void {
    if (!this.#stale || this.#timer) return;
    const { read, sides, onRetry } = this.#options;
    let rules: readonly Rule[];
    try {
      rules = read();
    } catch {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        onRetry();
      }, RETRY_MS);
      return;
    }
    this.#stale = false;
    for (const side of sides) side.rule = unusualRule(rules, side.family);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
