/**
 * A small Internet made of network namespaces, for tests and for the demo.
 *
 * A lab owns everything it makes and takes it down on `cleanup()`, on leaving an `await using` block, when the process
 * exits, and on SIGINT, SIGTERM and SIGHUP; after a SIGKILL the next lab to start does it. Needs root.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { Host } from './host.ts';
import { demolish, sweepDeadRuns } from './sweep.ts';

export interface LinkOptions {
  /** Bytes, of both ends. Default 1500. */
  readonly mtu?: number;
  /**
   * Turn on GRO at both ends. A veth port only transmits XDP frames when its peer runs NAPI, which GRO (or an XDP
   * program) at the peer brings about. Default false: plain veth.
   */
  readonly gro?: boolean;
}

const living = new Set<Lab>();

export class Lab implements AsyncDisposable {
  /** What everything this lab makes is named after: hr-NAME-PID. */
  readonly prefix: string;
  /** Headrace's run directory in this lab, for HEADRACE_RUN_DIR. */
  readonly runDirectory: string;
  #folder: string;
  #hosts = new Map<string, Host>();

  /** @param name lower-case letters and digits. */
  constructor(name: string) {
    if (!/^[a-z0-9]{1,12}$/.test(name)) throw new Error(`name lab "${name}": 1 to 12 lower-case letters and digits`);
    if (process.getuid?.() !== 0) throw new Error('build lab: network namespaces need root');
    watchForEnd();
    sweepDeadRuns();
    this.prefix = `hr-${name}-${process.pid}`;
    demolish(this.prefix);
    this.runDirectory = `/run/${this.prefix}`;
    this.#folder = `/tmp/${this.prefix}`;
    living.add(this);
    mkdirSync(this.#folder, { recursive: true });
    // Daemons that drop privileges must reach their files whatever the umask is.
    chmodSync(this.#folder, 0o755);
  }

  /** The host of that name, made on first use. */
  host(name: string): Host {
    const known = this.#hosts.get(name);
    if (known !== undefined) return known;
    const netns = `${this.prefix}-${name}`;
    run('ip', ['netns', 'add', netns]);
    const folder = `${this.#folder}/${name}`;
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    const host = new Host(name, netns, folder, this.runDirectory);
    this.#hosts.set(name, host);
    host.exec([
      'sh',
      '-c',
      `set -e; ip link set lo up; cd /proc/sys/net
       for i in all default; do echo 0 > ipv6/conf/$i/accept_dad; echo 0 > ipv6/conf/$i/accept_ra; echo 0 > ipv4/conf/$i/rp_filter; done`,
    ]);
    return host;
  }

  /** Joins two hosts by a veth pair and sets both ends up. */
  link(a: Host, aName: string, b: Host, bName: string, options: LinkOptions = {}): void {
    const mtu = String(options.mtu ?? 1500);
    run('ip', [
      ...['link', 'add', aName, 'mtu', mtu, 'netns', a.netns, 'type', 'veth'],
      ...['peer', 'name', bName, 'mtu', mtu, 'netns', b.netns],
    ]);
    for (const [host, name] of [
      [a, aName],
      [b, bName],
    ] as const) {
      host.ip(`link set ${name} up`);
      // Not before it is up: what is turned on earlier only takes effect when it changes once more.
      if (options.gro === true) host.exec(['ethtool', '-K', name, 'gro', 'on']);
    }
  }

  /** Ends what runs in the lab and removes all of it. May be called again. */
  cleanup(): void {
    if (!living.delete(this)) return;
    demolish(this.prefix);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cleanup();
  }
}

function run(file: string, words: string[]): void {
  const result = spawnSync(file, words, { encoding: 'utf8' });
  if (result.status !== 0)
    throw new Error(`run "${file} ${words.join(' ')}": ${(result.stderr || (result.error?.message ?? '')).trim()}`);
}

let watching = false;

function watchForEnd(): void {
  if (watching) return;
  watching = true;
  const all = (): void => {
    for (const lab of living) lab.cleanup();
  };
  process.on('exit', all);
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => {
      all();
      process.exit(status);
    });
  }
}
