/**
 * A balancer between clients and real servers, each server on a segment of its own, all of them with the VIPs on their
 * loopback interface:
 *
 *     client c0 ── p0 box p1 ── s0 a       10.0.1.0/24, 10.0.11.0/24, fd00:1::/64, fd00:11::/64
 *                        p2 ── s0 b       10.0.12.0/24, …
 *
 * Answers go from the server by way of the box, which routes them, to the client: direct server return.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Flood } from '../../bench/flood.ts';
import type { Host } from '../library/host.ts';
import type { Lab } from '../library/lab.ts';
import type { Process } from '../library/process.ts';
import { headraceProgram, repository } from '../library/repository.ts';
import { until } from '../library/wait.ts';
import type { Round } from './holder.ts';

export const vip4 = '198.51.100.10';
export const vip6 = '2001:db8:51::10';
export const PORT = 7000;
/** TCP flags. */
export const SYN = 0x02;
export const ACK = 0x10;
const FLOOD_STEP = 25_000;

export class Farm {
  readonly client: Host;
  readonly box: Host;
  readonly servers: ReadonlyMap<string, Host>;

  /** @param vips servers have the VIPs; default true. Without, what they send is finished for the wire as a client's is. */
  constructor(lab: Lab, names: readonly string[], { vips = true }: { readonly vips?: boolean } = {}) {
    this.client = lab.host('client');
    this.box = lab.host('box');
    lab.link(this.client, 'c0', this.box, 'p0', { gro: true });
    // Checksums as on a wire: what a veth pair leaves to a network card that is not there has none yet.
    this.client.exec(['ethtool', '-K', 'c0', 'tx', 'off']);
    this.client.address('c0', '10.0.1.2/24', 'fd00:1::2/64');
    this.box.address('p0', '10.0.1.1/24', 'fd00:1::1/64');
    this.client.route('default via 10.0.1.1');
    this.client.route('default via fd00:1::1');
    this.box.forward();
    this.servers = new Map(
      names.map((name, i) => {
        const server = lab.host(name);
        lab.link(this.box, `p${i + 1}`, server, 's0', { gro: true });
        this.box.address(`p${i + 1}`, `10.0.1${i + 1}.1/24`, `fd00:1${i + 1}::1/64`);
        server.address('s0', `10.0.1${i + 1}.2/24`, `fd00:1${i + 1}::2/64`);
        if (vips) server.address('lo', `${vip4}/32`, `${vip6}/128`);
        else server.exec(['ethtool', '-K', 's0', 'tx', 'off']);
        server.route(`default via 10.0.1${i + 1}.1`);
        server.route(`default via fd00:1${i + 1}::1`);
        return [name, server];
      }),
    );
  }

  address(name: string, family: 4 | 6 = 4): string {
    const i = [...this.servers.keys()].indexOf(name) + 1;
    return family === 4 ? `10.0.1${i}.2` : `fd00:1${i}::2`;
  }

  /** A script of this folder, built. */
  #script(host: Host, script: string, ...words: readonly string[]): Process {
    const file = `${repository}/dist/test/lab/balancer/${script}.js`;
    if (!existsSync(file)) throw new Error(`run ${script}: ${file} is not there; build first`);
    return host.spawn([process.execPath, file, ...words]);
  }

  /** Starts the server of that name, and waits until it listens. @param addresses it answers from, over UDP */
  async serve(name: string, port = PORT, ...addresses: readonly string[]): Promise<Process> {
    const from = addresses.length > 0 ? addresses : [vip4, vip6];
    const server = this.#script(this.servers.get(name)!, 'echo-server', name, String(port), ...from);
    await server.line(/^ready/);
    return server;
  }

  /** Starts nginx on the server of that name; its page is `NAME CLIENT`. */
  async serveWeb(name: string, port: number): Promise<void> {
    const server = this.servers.get(name)!;
    const file = `${server.folder}/nginx.conf`;
    writeFileSync(
      file,
      `daemon off; master_process off; pid ${server.folder}/nginx.pid; error_log stderr; events {}
       http { access_log off; server { listen ${port}; listen [::]:${port};
         location / { default_type text/plain; return 200 "${name} $remote_addr\\n"; } } }`,
    );
    server.spawn(['nginx', '-p', server.folder, '-c', file]);
    await until('nginx to listen', () => server.exec(['ss', '-Hltn']).stdout.includes(`:${port}`));
  }

  /** As many requests as the client can make in a second, of 16 connections. @returns what wrk says */
  load(url: string): string {
    return this.client.exec(['wrk', '-t', '1', '-c', '16', '-d', '1s', url]).stdout;
  }

  /** Has the server of that name take tunnels off, as `headrace decap` does. */
  unwrap(name: string, ...vips: readonly string[]): void {
    const server = this.servers.get(name)!;
    const words = ['decap', 'run', '-i', 's0', '--instance', name, ...vips.flatMap((vip) => ['--vip', vip])];
    server.exec([process.execPath, headraceProgram, ...words], { env: { HEADRACE_RUN_DIR: server.runDirectory } });
  }

  /** Gives the server of that name a tunnel's end that knows IPv4 in IPv4 alone. */
  async decapsulate(name: string): Promise<void> {
    await this.#script(this.servers.get(name)!, 'decapsulator').line(/^ready/);
  }

  /**
   * Packets of TCP to the VIP, each of a flow of its own, as fast as they can be made, with rests in which clients come to
   * speak. @returns how many came to the box
   */
  async flood(flags: number, packets: number): Promise<number> {
    using source = new Flood();
    const spec = {
      ...{ from: this.client, device: 'c0', to: this.box.mac('p0'), source: '100.64.0.0', destination: vip4 },
      ...{ port: PORT, protocol: 6, flags, flows: Number.POSITIVE_INFINITY },
    };
    const received = (): number => {
      const [link] = JSON.parse(this.box.exec(['ip', '-s', '-j', 'link', 'show', 'p0']).stdout) as {
        stats64: { rx: { packets: number } };
      }[];
      return link!.stats64.rx.packets;
    };
    const before = received();
    for (let sent = 0; sent < packets; sent += FLOOD_STEP) {
      source.send(spec, Math.min(FLOOD_STEP, packets - sent));
      await sleep(20);
    }
    return received() - before;
  }

  /** Clients that open connections to the VIP and hold them. */
  hold(address: string, count: number, roundMs = 100): Clients {
    return new Clients(this.#script(this.client, 'holder', address, String(PORT), String(count), String(roundMs)));
  }
}

/** Does wrk say that it got pages, and nothing else? */
export function answersAll(said: string): boolean {
  return Number(/(\d+) requests in/.exec(said)?.[1] ?? 0) > 100 && !/Socket errors|Non-2xx/.test(said);
}

export class Clients {
  readonly process: Process;

  constructor(process: Process) {
    this.process = process;
  }

  get last(): Round | undefined {
    const lines = this.process.stdout.trimEnd().split('\n');
    const line = lines.at(-1);
    return line?.startsWith('{') && line.endsWith('}') ? (JSON.parse(line) as Round) : undefined;
  }

  /** After so many more whole rounds. */
  async after(rounds: number): Promise<Round> {
    const from = this.last?.round ?? 0;
    return until(
      `${rounds} rounds of the clients`,
      () => {
        const { last } = this;
        return last && last.round > from + rounds ? last : undefined;
      },
      { timeoutMs: 60_000 },
    );
  }
}
