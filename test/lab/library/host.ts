/**
 * A host of the lab: a network namespace and the commands run in it.
 *
 * Commands enter with `nsenter --net=`, which leaves mounts alone (`ip netns exec` would remount /sys and hide pinned
 * BPF objects). Duplicate address detection is off so that IPv6 addresses work at once.
 */
import { spawnSync } from 'node:child_process';
import { inNetns } from '../../../controlplane/bpf/netns.ts';
import { Process, type SpawnOptions } from './process.ts';

export interface ExecOptions extends SpawnOptions {
  /** Text for standard input. */
  readonly input?: string;
  /** Milliseconds until the command is killed. Default 30 000. */
  readonly timeoutMs?: number;
  /** Return a failure's status instead of throwing. Default false. */
  readonly mayFail?: boolean;
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

export class Host {
  /** Short name within the lab. */
  readonly name: string;
  /** Name of the network namespace. */
  readonly netns: string;
  /** /run/netns/NETNS. */
  readonly path: string;
  /** A folder of this host's own, readable by all, gone with the lab. */
  readonly folder: string;
  /** The lab's run directory for Headrace, for HEADRACE_RUN_DIR. */
  readonly runDirectory: string;

  constructor(name: string, netns: string, folder: string, runDirectory: string) {
    this.name = name;
    this.netns = netns;
    this.runDirectory = runDirectory;
    this.path = `/run/netns/${netns}`;
    this.folder = folder;
  }

  /** `command`, prefixed so that it runs in this host's namespace. */
  command(command: readonly string[]): string[] {
    return ['nsenter', `--net=${this.path}`, ...command];
  }

  /**
   * Runs a command to its end, blocking this process.
   * @throws Error with the command's output when it fails and `mayFail` is not set.
   */
  exec(command: readonly string[], options: ExecOptions = {}): Output {
    const [file = '', ...rest] = this.command(command);
    const result = spawnSync(file, rest, {
      encoding: 'utf8',
      input: options.input ?? '',
      timeout: options.timeoutMs ?? 30_000,
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      maxBuffer: 1 << 28,
    });
    const output = { stdout: result.stdout ?? '', stderr: result.stderr ?? '', status: result.status ?? 255 };
    if (output.status !== 0 && options.mayFail !== true)
      throw new Error(
        `run "${command.join(' ')}" on ${this.name}: status ${output.status}: ${(output.stderr || output.stdout || (result.error?.message ?? '')).trim()}`,
      );
    return output;
  }

  /** Runs a command to its end without blocking this process. Never throws for a failing command. */
  async run(command: readonly string[], options: SpawnOptions = {}): Promise<Output> {
    const running = this.spawn(command, options);
    const status = await running.exited;
    return { stdout: running.stdout, stderr: running.stderr, status };
  }

  /** Starts a command that stays; the lab kills it at cleanup at the latest. */
  spawn(command: readonly string[], options: SpawnOptions = {}): Process {
    return new Process(this.command(command), options);
  }

  /** `ip ...words`, split at blanks. */
  ip(words: string, options: ExecOptions = {}): string {
    return this.exec(['ip', ...words.split(/\s+/).filter((word) => word !== '')], options).stdout;
  }

  /** Sets a sysctl by its dotted name; an interface name with dots is written with slashes, as sysctl(8) does. */
  sysctl(key: string, value: string | number): void {
    const path = key.includes('/') ? key : key.replaceAll('.', '/');
    this.exec(['sh', '-c', `printf %s "$1" > "/proc/sys/$2"`, 'sh', String(value), path]);
  }

  /** Forwards IPv4 and IPv6 from now on. */
  forward(): void {
    this.sysctl('net.ipv4.ip_forward', 1);
    this.sysctl('net.ipv6.conf.all.forwarding', 1);
  }

  /** Adds addresses, each with its prefix length, to an interface. */
  address(ifname: string, ...cidrs: readonly string[]): void {
    for (const cidr of cidrs) this.ip(`address add ${cidr} dev ${ifname}${cidr.includes(':') ? ' nodad' : ''}`);
  }

  /** Adds or replaces a route, `words` as ip-route(8) takes them: `route('default via 10.0.0.1')`. */
  route(words: string): void {
    this.ip(`${words.includes(':') && !words.includes('via inet6') ? '-6 ' : ''}route replace ${words}`);
  }

  /** MAC address of an interface, as text. */
  mac(ifname: string): string {
    return this.link(ifname).address;
  }

  /** Interface number. */
  ifindex(ifname: string): number {
    return this.link(ifname).ifindex;
  }

  /** What `ip -details -json link show` says about an interface. */
  link(ifname: string): LinkInfo {
    const [first] = JSON.parse(this.ip(`-details -json link show dev ${ifname}`)) as LinkInfo[];
    if (first === undefined) throw new Error(`show link ${ifname} on ${this.name}: no such interface`);
    return first;
  }

  /** Runs synchronous `work` with this thread in the host's namespace. */
  inNamespace<T>(work: () => T extends PromiseLike<unknown> ? never : T): T {
    return inNetns<T>(this.path, work);
  }
}

/** The part of `ip -json link show` the lab uses. */
export interface LinkInfo {
  readonly ifindex: number;
  readonly ifname: string;
  readonly address: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly xdp?: { readonly mode: number; readonly prog?: { readonly id: number; readonly name?: string } };
}
