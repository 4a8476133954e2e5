/**
 * A long-running program inside the lab: keeps what it prints, tells when it ended, and can be waited for by a line of
 * its output. The lab kills whatever still runs in its namespaces at cleanup, so nobody has to.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { until, type WaitOptions } from './wait.ts';

export interface SpawnOptions {
  readonly cwd?: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

export class Process {
  readonly command: readonly string[];
  /** Settles when the process is gone and its output is read: exit status, or 128 + signal number. */
  readonly exited: Promise<number>;
  #child: ChildProcess;
  #stdout = '';
  #stderr = '';
  #status: number | undefined;

  constructor(command: readonly string[], options: SpawnOptions = {}) {
    this.command = command;
    const [file = '', ...rest] = command;
    this.#child = spawn(file, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.exited = new Promise((resolve) => {
      const ended = (status: number): void => {
        this.#status ??= status;
        resolve(this.#status);
      };
      this.#child.on('close', (code, signal) => ended(code ?? (signal === 'SIGKILL' ? 137 : 143)));
      this.#child.on('error', (error) => {
        this.#stderr += error.message;
        ended(127);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }
  get stdout(): string {
    return this.#stdout;
  }
  get stderr(): string {
    return this.#stderr;
  }
  /** Exit status, or undefined while the process runs. */
  get status(): number | undefined {
    return this.#status;
  }

  /** Waits for a line of standard output that matches; fails at once when the process ends without it. */
  async line(pattern: RegExp, options: WaitOptions = {}): Promise<RegExpMatchArray> {
    const multiline = new RegExp(pattern.source, `${pattern.flags.replace(/[gm]/g, '')}m`);
    const text = this.command.join(' ');
    await until(`"${text}" to print ${pattern}`, () => multiline.test(this.#stdout) || this.#status !== undefined, {
      everyMs: 20,
      ...options,
    });
    const found = multiline.exec(this.#stdout);
    if (found === null)
      throw new Error(`wait for "${text}": it ended with ${this.#status}: ${this.#stderr}${this.#stdout}`);
    return found;
  }

  /** Sends `signal` and waits until the process is gone; its exit status. */
  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    if (this.#status === undefined) this.#child.kill(signal);
    return this.exited;
  }
}
