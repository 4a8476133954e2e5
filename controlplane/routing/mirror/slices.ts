/** Work cut into slices of a few milliseconds, between which the event loop has its turn. */

/** A slice ends at the first look at the clock after it. */
export const sliceMs = 4;

export class Slices {
  #start = 0;
  #longest = 0;

  /** The longest time the thread did not give way, in milliseconds. */
  get longest(): number {
    return this.#longest;
  }

  /** When the present slice should end, as performance.now() counts. */
  get deadline(): number {
    return this.#start + sliceMs;
  }

  begin(): void {
    this.#start = performance.now();
  }

  end(): void {
    this.#longest = Math.max(this.#longest, performance.now() - this.#start);
  }

  /** Gives way when the slice is over: undefined when it is not. */
  breathe(): Promise<void> | undefined {
    if (performance.now() < this.deadline) return undefined;
    this.end();
    return new Promise((resolve) =>
      setImmediate(() => {
        this.begin();
        resolve();
      }),
    );
  }
}
