/** A reading of all routes for their gateways, in a thread of its own: see gateway-worker.ts. */
import { Worker } from 'node:worker_threads';
import type { NextHop } from './gateway-notes.ts';

/** What the thread needs is little: more would only be garbage that waits. */
const YOUNG_MB = 4;

export class GatewaySweep {
  readonly #worker: Worker;
  /** By neighborKey(). Fails when the tables would not hold still, or when ended early. */
  readonly gateways: Promise<Map<string, NextHop>>;

  /** The thread is in the network namespace that the calling one is in. */
  constructor() {
    // Compiled and not, the file's name ends as this one's does.
    const file = new URL(`./gateway-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
    this.#worker = new Worker(file, { name: 'gateways', resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    this.gateways = new Promise((resolve, reject) => {
      this.#worker.once('message', resolve);
      this.#worker.once('error', reject);
      this.#worker.once('exit', () => reject(new Error('read gateways: the thread ended')));
    });
  }

  /** Ends it early. */
  end(): void {
    void this.#worker.terminate();
  }
}
