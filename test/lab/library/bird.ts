/**
 * BIRD on a lab host: configuration text in, a running daemon and its control socket out. Several run side by side on
 * one host, told apart by `name`.
 */
import { writeFileSync } from 'node:fs';
import type { Host } from './host.ts';
import type { Process } from './process.ts';
import { letUnitAsk } from './unit.ts';
import { until } from './wait.ts';

export class Bird {
  readonly host: Host;
  readonly socket: string;
  readonly process: Process;
  readonly #timeoutMs: number;
  #file: string;

  private constructor(host: Host, socket: string, process: Process, file: string, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.host = host;
    this.socket = socket;
    this.process = process;
    this.#file = file;
  }

  /**
   * Starts BIRD 2 with `config` and waits until it answers on its socket. With a million routes it takes a while to
   * answer: `timeoutMs`.
   */
  static async start(host: Host, config: string, name = 'bird', timeoutMs = 20_000): Promise<Bird> {
    const file = `${host.folder}/${name}.conf`;
    const socket = `${host.folder}/${name}.ctl`;
    writeFileSync(file, config);
    const process = host.spawn(['bird', '-f', '-c', file, '-s', socket, '-P', `${host.folder}/${name}.pid`]);
    const bird = new Bird(host, socket, process, file, timeoutMs);
    const answers = (): boolean => process.status !== undefined || bird.command('show status').includes('Daemon is up');
    await until('BIRD to answer', answers, { timeoutMs });
    if (process.status !== undefined) throw new Error(`start BIRD on ${host.name}: ${process.stderr}${process.stdout}`);
    letUnitAsk(socket);
    return bird;
  }

  /** What birdc prints for a command. */
  command(...words: readonly string[]): string {
    return this.host.exec(['birdc', '-s', this.socket, ...words], { timeoutMs: this.#timeoutMs }).stdout;
  }

  /** Replaces the configuration. */
  configure(config: string): string {
    writeFileSync(this.#file, config);
    return this.command('configure');
  }

  /** Waits until a protocol is up (a BGP session: established). */
  async up(protocol: string): Promise<void> {
    await until(
      `BIRD protocol ${protocol} on ${this.host.name} to be up`,
      () =>
        new RegExp(`^${protocol}\\s+\\S+\\s+\\S+\\s+up\\s.*(Established)?`, 'm').test(this.command('show protocols')),
      { timeoutMs: 40_000 },
    );
  }
}
