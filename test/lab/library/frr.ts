/**
 * FRR on a lab host: zebra, staticd and bgpd run by hand, without watchfrr, from one configuration text.
 *
 * FRR insists on a user in the group frrvty, so the daemons run as `frr` and their folder belongs to it. The three
 * daemons of one host find each other by zebra's socket in that folder; many hosts run side by side.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Host } from './host.ts';
import type { Process } from './process.ts';
import { letUnitAsk } from './unit.ts';
import { until } from './wait.ts';

const DAEMONS = ['zebra', 'staticd', 'bgpd'] as const;

export interface FrrOptions {
  /** Tells several FRRs of one host apart. Default "frr". */
  readonly name?: string;
  /** Addresses bgpd listens on: given when another BGP daemon runs on the host. Default: all. */
  readonly listen?: readonly string[];
}

export class Frr {
  readonly host: Host;
  /** Holds the daemons' `.vty` sockets. */
  readonly folder: string;
  readonly processes: readonly Process[];

  private constructor(host: Host, folder: string, processes: readonly Process[]) {
    this.host = host;
    this.folder = folder;
    this.processes = processes;
  }

  /** Starts the daemons with `config` (as in frr.conf) and waits until each answers. */
  static async start(host: Host, config: string, options: FrrOptions = {}): Promise<Frr> {
    const name = options.name ?? 'frr';
    const folder = `${host.folder}/${name}`;
    mkdirSync(folder, { mode: 0o755 });
    for (const daemon of DAEMONS) writeFileSync(`${folder}/${daemon}.conf`, `hostname ${host.name}\n`);
    writeFileSync(`${folder}/frr.conf`, config);
    const owned = spawnSync('chown', ['-R', 'frr:frr', folder], { encoding: 'utf8' });
    if (owned.status !== 0) throw new Error(`start FRR on ${host.name}: ${owned.stderr}`);
    const processes: Process[] = [];
    const frr = new Frr(host, folder, processes);
    for (const daemon of DAEMONS) {
      processes.push(
        host.spawn([
          `/usr/lib/frr/${daemon}`,
          ...['--vty_socket', folder, '-i', `${folder}/${daemon}.pid`, '-z', `${folder}/zserv.api`],
          ...['-f', `${folder}/${daemon}.conf`, '-A', '127.0.0.1', '-P', '0', '--log', 'stdout'],
          ...(daemon === 'bgpd' ? (options.listen ?? []).flatMap((address) => ['-l', address]) : []),
        ]),
      );
      await until(`FRR's ${daemon} on ${host.name} to answer`, () => {
        const ended = processes.find((process) => process.status !== undefined);
        return ended !== undefined || frr.tryVtysh(['-d', daemon, '-c', 'show version']);
      });
    }
    const ended = processes.find((process) => process.status !== undefined);
    if (ended !== undefined) throw new Error(`start FRR on ${host.name}: ${ended.stderr}${ended.stdout}`);
    for (const daemon of DAEMONS) letUnitAsk(`${folder}/${daemon}.vty`);
    frr.load(config);
    return frr;
  }

  /** What vtysh prints for show or configuration commands, run one after the other. */
  vtysh(...commands: readonly string[]): string {
    return this.host.exec(['vtysh', '--vty_socket', this.folder, ...commands.flatMap((command) => ['-c', command])])
      .stdout;
  }

  /** Adds configuration text, as in frr.conf. */
  load(config: string): void {
    const file = `${this.folder}/load.conf`;
    writeFileSync(file, config);
    this.host.exec(['vtysh', '--vty_socket', this.folder, '-f', file]);
  }

  /** Runs configuration commands: `configure('router bgp 65002', 'address-family ipv4', 'no network 10.0.0.0/8')`. */
  configure(...commands: readonly string[]): void {
    this.vtysh('configure terminal', ...commands);
  }

  private tryVtysh(words: readonly string[]): boolean {
    const result = this.host.exec(['vtysh', '--vty_socket', this.folder, ...words], { mayFail: true });
    return result.status === 0 && !result.stdout.includes('is not running');
  }

  /** Waits until the BGP session with a neighbor is established. */
  async established(neighbor: string): Promise<void> {
    await until(
      `FRR on ${this.host.name} to have a session with ${neighbor}`,
      () => this.vtysh(`show bgp neighbors ${neighbor} json`).includes('"bgpState":"Established"'),
      { timeoutMs: 40_000, everyMs: 200 },
    );
  }
}
