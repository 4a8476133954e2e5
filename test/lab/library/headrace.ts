/**
 * Headrace on a lab host: the built program, run as an operator would, in the host's namespace, with its run directory
 * (pins, control socket) inside the lab so that cleanup finds it. The instance is named after the host.
 *
 * With HEADRACE_LAB_AS=unit in the environment the daemon runs as its systemd unit would run it, after the loader.
 */
import { chownSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { Host, Output } from './host.ts';
import type { Process } from './process.ts';
import { headraceProgram } from './repository.ts';
import { allowPings, prepareRunDirectory, unitCommand, unitUser } from './unit.ts';
import { until } from './wait.ts';

export interface HeadraceOptions {
  /** Default: the host's name. */
  readonly instance?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Who the daemon runs as. Default: what HEADRACE_LAB_AS says, else root. */
  readonly as?: RunAs;
}

/** Root, or the user of the systemd unit with its capabilities. */
export type RunAs = 'root' | 'unit';

/** One line of headrace_packets_total and headrace_bytes_total. */
export interface Counter {
  readonly interface: string;
  readonly verdict: string;
  readonly reason: string;
  readonly packets: number;
}

export class Headrace {
  readonly host: Host;
  readonly instance: string;
  readonly configFile: string;
  readonly as: RunAs;
  #process: Process | undefined;
  #env: Readonly<Record<string, string>>;

  constructor(host: Host, config: string | object, options: HeadraceOptions = {}) {
    this.host = host;
    this.instance = options.instance ?? host.name;
    this.configFile = `${host.folder}/headrace-${this.instance}.yaml`;
    this.as = options.as ?? (process.env['HEADRACE_LAB_AS'] === 'unit' ? 'unit' : 'root');
    this.#env = { HEADRACE_RUN_DIR: host.runDirectory, ...options.env };
    this.configure(config);
  }

  /** Folder of this instance's pinned maps and links. */
  get pins(): string {
    return `${this.host.runDirectory}/bpf/${this.instance}`;
  }

  /** The running daemon; throws when none was started. */
  get process(): Process {
    if (this.#process === undefined) throw new Error(`use headrace on ${this.host.name}: not started`);
    return this.#process;
  }

  /** Gives a file to the daemon's user. */
  own(file: string): void {
    if (this.as === 'unit') chownSync(file, unitUser, unitUser);
  }

  /** Rewrites the configuration file; the daemon is not told. */
  configure(config: string | object): void {
    writeFileSync(this.configFile, typeof config === 'string' ? config : JSON.stringify(config, null, 2));
  }

  /** Starts the daemon and waits for its ready line. As the unit, the loader runs first. */
  async start(): Promise<void> {
    if (this.as === 'unit') this.load();
    this.#process = this.launch();
    await this.#process.line(/^ready\b.*/, { timeoutMs: 30_000 });
  }

  /** Starts the daemon without waiting: for tests of a start that must fail. */
  launch(): Process {
    const words = ['run', '--instance', this.instance, '-c', this.configFile];
    if (this.as === 'root') return this.host.spawn(this.#command(words), { env: this.#env });
    prepareRunDirectory(this.host.runDirectory);
    allowPings(this.host);
    return this.host.spawn(unitCommand(this.host, 'headrace', words), { env: this.#env });
  }

  /** What headrace-load.service does: loads and pins the programs for the configuration. Throws when it cannot. */
  load(): void {
    prepareRunDirectory(this.host.runDirectory);
    const words = ['load', '--instance', this.instance, '-c', this.configFile];
    this.host.exec(unitCommand(this.host, 'headrace-load', words), { env: this.#env });
  }

  /** Runs any other command of the program for this instance; `mayFail` is on. */
  cli(...words: readonly string[]): Output {
    const [verb = '', ...rest] = words;
    return this.host.exec(this.#command([verb, '--instance', this.instance, ...rest]), {
      env: this.#env,
      mayFail: true,
    });
  }

  /** The same, not waited for, its output read by `reader`, a command of the shell. */
  piped(reader: string, ...words: readonly string[]): Process {
    const [verb = '', ...rest] = words;
    const command = this.#command([verb, '--instance', this.instance, ...rest]);
    return this.host.spawn(['sh', '-c', `"$@" | ${reader}`, 'sh', ...command], { env: this.#env });
  }

  /** SIGTERM, and wait for the end; the data plane stays. Exit status. */
  async stop(): Promise<number> {
    return this.process.kill('SIGTERM');
  }

  /** SIGKILL, and wait for the end; the data plane stays. */
  async kill(): Promise<void> {
    await this.process.kill('SIGKILL');
  }

  /** `headrace detach`: takes the data plane down. */
  detach(): Output {
    return this.cli('detach');
  }

  /** `headrace status --json`, parsed. */
  status<T = Record<string, unknown>>(): T {
    const output = this.cli('status', '--json');
    if (output.status !== 0) throw new Error(`ask headrace on ${this.host.name} for its status: ${output.stderr}`);
    return JSON.parse(output.stdout) as T;
  }

  /** Answer of the control socket, parsed: quicker than the command line. */
  async ask<T = Record<string, unknown>>(path: string): Promise<T> {
    const socketPath = `${this.host.runDirectory}/${this.instance}/control.sock`;
    return new Promise((resolve, reject) => {
      // A connection of its own: one kept open is closed by the daemon while a command blocks this process.
      const question = request({ socketPath, path, agent: false }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (more: string) => {
          text += more;
        });
        answer.on('end', () => resolve(JSON.parse(text) as T));
      });
      question.on('error', reject).end();
    });
  }

  /** Reads the configuration file again, as `headrace reload` would, and waits until that took effect. */
  async reload(): Promise<void> {
    const count = (): number =>
      Number(/headrace_config_reloads_total\{result="success"\} (\d+)/.exec(this.metrics())?.[1]);
    const before = count();
    process.kill(this.process.pid, 'SIGHUP');
    await until('the reload', () => count() > before);
  }

  /** The text of /metrics, fetched inside the host's namespace. */
  metrics(): string {
    return this.host.exec(['curl', '-sS', '--max-time', '5', 'http://127.0.0.1:9469/metrics']).stdout;
  }

  /** Packets by interface, verdict and reason, as /metrics has them. */
  counters(): Counter[] {
    const counters: Counter[] = [];
    for (const [, labels = '', value] of this.metrics().matchAll(/^headrace_packets_total\{(.*)\} (\S+)$/gm)) {
      const label = (name: string): string => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
      counters.push({
        interface: label('interface'),
        verdict: label('verdict'),
        reason: label('reason'),
        packets: Number(value),
      });
    }
    return counters;
  }

  /** Sum of the counters that match every given label. */
  packets(match: Partial<Omit<Counter, 'packets'>> = {}): number {
    return this.counters()
      .filter((counter) =>
        (['interface', 'verdict', 'reason'] as const).every(
          (name) => match[name] === undefined || match[name] === counter[name],
        ),
      )
      .reduce((sum, counter) => sum + counter.packets, 0);
  }

  /** Names of the pinned links (interface numbers), [] when nothing is pinned. */
  pinnedLinks(): string[] {
    return existsSync(`${this.pins}/links`) ? readdirSync(`${this.pins}/links`) : [];
  }

  #command(words: readonly string[]): string[] {
    return [process.execPath, headraceProgram, ...words];
  }
}

/** Starts Headrace on a host and waits until it forwards. */
export async function headrace(host: Host, config: string | object, options: HeadraceOptions = {}): Promise<Headrace> {
  const box = new Headrace(host, config, options);
  await box.start();
  return box;
}
