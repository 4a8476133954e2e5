/**
 * The routing worker as the main thread holds it: started, asked, restarted when it dies.
 *
 * A worker that dies leaves tables nobody follows: they are declared untrusted at once, by `distrust`, and a new worker
 * starts from zeros, after a pause that doubles while it keeps dying.
 */
import { Worker } from 'node:worker_threads';
import type { FromWorker, ToWorker, WorkerData } from './messages.ts';
import type { MirrorAnswer, MirrorState } from './state.ts';

const PAUSE_MS = 500;
const PAUSE_MAX_MS = 30_000;
/** A life this long makes the next pause a short one again. */
const HEALTHY_MS = 60_000;
const ANSWER_MS = 2000;

export interface MirrorThreadOptions extends WorkerData {
  readonly onLog: (
    level: 'info' | 'warn' | 'error',
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void;
  /** Has packets ask the kernel, now. */
  readonly distrust: () => void;
}

export class MirrorThread {
  readonly #options: MirrorThreadOptions;
  readonly #questions = new Map<number, (answer: MirrorAnswer | undefined) => void>();
  #worker: Worker | undefined;
  #state: MirrorState | undefined;
  #deaths = 0;
  #pause = PAUSE_MS;
  #restart: NodeJS.Timeout | undefined;
  #questionCount = 0;
  #closed = false;

  constructor(options: MirrorThreadOptions) {
    this.#options = options;
    this.#start();
  }

  /** As of the last second; undefined before the first report of a worker. */
  get state(): MirrorState | undefined {
    return this.#state;
  }

  /** Times a worker died. */
  get deaths(): number {
    return this.#deaths;
  }

  #start(): void {
    // Compiled and not, the file's name ends as this one's does.
    const file = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);
    const born = performance.now();
    const workerData: WorkerData = { folder: this.#options.folder };
    const worker = new Worker(file, { workerData, name: 'routing' });
    this.#worker = worker;
    worker.on('message', (message: FromWorker) => this.#hear(message));
    let why = 'it ended';
    worker.on('error', (error) => {
      why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    });
    worker.on('exit', () => {
      if (this.#closed || this.#worker !== worker) return;
      this.#worker = undefined;
      this.#state = undefined;
      this.#deaths++;
      this.#options.distrust();
      this.#answerAll();
      if (performance.now() - born > HEALTHY_MS) this.#pause = PAUSE_MS;
      this.#options.onLog(
        'error',
        `the routing worker died, the kernel is asked for every packet; starting another in ${this.#pause} ms: ${why}`,
      );
      this.#restart = setTimeout(() => this.#start(), this.#pause);
      this.#pause = Math.min(this.#pause * 2, PAUSE_MAX_MS);
    });
  }

  #hear(message: FromWorker): void {
    switch (message.kind) {
      case 'state':
        this.#state = message.state;
        break;
      case 'answer':
        this.#questions.get(message.id)?.(message.answer);
        break;
      case 'log':
        this.#options.onLog(message.level, message.message, message.fields);
        break;
    }
  }

  #tell(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  /** What packets to the address get from the tables; undefined when no worker answers. */
  ask(address: Uint8Array): Promise<MirrorAnswer | undefined> {
    if (!this.#worker) return Promise.resolve(undefined);
    const id = ++this.#questionCount;
    return new Promise((resolve) => {
      const done = (answer: MirrorAnswer | undefined): void => {
        clearTimeout(timer);
        this.#questions.delete(id);
        resolve(answer);
      };
      const timer = setTimeout(() => done(undefined), ANSWER_MS);
      this.#questions.set(id, done);
      this.#tell({ kind: 'ask', id, address });
    });
  }

  resync(): void {
    this.#tell({ kind: 'resync' });
  }

  #answerAll(): void {
    for (const done of [...this.#questions.values()]) done(undefined);
  }

  /** Packets ask the kernel from now on; resolves when the thread is gone and has let go of the tables. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#restart);
    this.#options.distrust();
    this.#answerAll();
    const worker = this.#worker;
    if (!worker) return;
    this.#tell({ kind: 'stop' });
    const timer = setTimeout(() => void worker.terminate(), ANSWER_MS);
    await new Promise((resolve) => worker.once('exit', resolve));
    clearTimeout(timer);
  }
}
