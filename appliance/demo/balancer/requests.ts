/** The demo's requests: pages fetched with curl, a connection each, one after the other; who answered is counted. */
import { vip4 } from '../../../test/lab/balancer/farm.ts';
import type { Host } from '../../../test/lab/library/index.ts';

export const AT_ONCE = 10;

/** Since some moment. */
export interface Answers {
  readonly byServer: Readonly<Record<string, number>>;
  readonly answered: number;
  readonly failed: number;
}

export class Requests {
  readonly #client: Host;
  readonly #byServer = new Map<string, number>();
  #failed = 0;
  #ending = false;
  readonly #work: Promise<void>;

  constructor(client: Host) {
    this.#client = client;
    this.#work = this.#run();
  }

  /** So far. */
  get answers(): Answers {
    const byServer = Object.fromEntries(this.#byServer);
    const answered = Object.values(byServer).reduce((sum, count) => sum + count, 0);
    return { byServer, answered, failed: this.#failed };
  }

  async stop(): Promise<Answers> {
    this.#ending = true;
    await this.#work;
    return this.answers;
  }

  async #run(): Promise<void> {
    while (!this.#ending) {
      const url = `http://${vip4}/[1-${AT_ONCE}]`;
      const words = ['curl', '-s', '--max-time', '2', '-H', 'Connection: close', url];
      const { stdout } = await this.#client.run(words);
      const names = stdout.split('\n').filter(Boolean);
      for (const name of names) this.#byServer.set(name, (this.#byServer.get(name) ?? 0) + 1);
      this.#failed += AT_ONCE - names.length;
    }
  }
}

/** What came between two moments. */
export function between(before: Answers, after: Answers): Answers {
  const names = Object.keys(after.byServer);
  return {
    byServer: Object.fromEntries(names.map((name) => [name, after.byServer[name]! - (before.byServer[name] ?? 0)])),
    answered: after.answered - before.answered,
    failed: after.failed - before.failed,
  };
}
