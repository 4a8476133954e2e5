/**
 * A balancer's path end to end over veth, beside what else balances on Linux, in one run: nftables that translates the
 * destination, and haproxy.
 *
 * Packets: UDP of 10,000 flows from a generator through the balancer to a sink, all in one softirq on one core, so that
 * nothing is lost to full queues and what they cost adds up; a balancer that drops shows what the generator alone costs.
 * Connections: a client that connects, asks and closes; what all processes on the path use of the CPU for one, softirqs
 * that run in their time included. The client and nginx are most of it: the same path without a balancer shows that.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { runOnCpus } from '../../controlplane/bpf/libc.ts';
import { Farm, vip4 } from '../lab/balancer/farm.ts';
import { type Headrace, headrace, Lab, type Process, until } from '../lab/library/index.ts';
import { repository } from '../lab/library/repository.ts';
import { Flood } from './flood.ts';
import { type Samples, summarize } from './statistics.ts';

export interface PathOptions {
  readonly json: boolean;
  readonly rounds: number;
}

interface PacketRow {
  readonly name: string;
  /** For each packet that arrived. */
  readonly ns: Samples;
  readonly lost: number;
}

interface ConnectionRow {
  readonly name: string;
  readonly perSecond: number;
  /** Microseconds of CPU for one. */
  readonly cpu: Samples;
}

const PACKETS = 200_000;
const FLOWS = 10_000;
const UDP = 17;
const WEB = 8080;
const PROXY = 8081;
/** Services of Headrace, UDP for packets and TCP for connections; each goes to port WEB of the server. */
const modes = { l2: WEB, ipip: 81, nat: 82 } as const;

export async function benchBalancerPath({ json, rounds }: PathOptions): Promise<void> {
  await using lab = new Lab('path');
  const farm = new Farm(lab, ['a']);
  const server = farm.servers.get('a')!;
  const address = farm.address('a');
  server.exec(['ethtool', '-K', 's0', 'tx', 'off']);
  // The sink answers nobody.
  farm.box.ip(`neighbor replace ${address} lladdr ${server.mac('s0')} dev p1 nud permanent`);
  const processes = [nginx(farm)];
  await until(
    'nginx to answer',
    () => server.exec(['curl', '-s', `http://${address}:${WEB}/`], { mayFail: true }).status === 0,
  );

  const packets: PacketRow[] = [];
  const connections: ConnectionRow[] = [];
  const push = async (name: string, port: number): Promise<void> => {
    packets.push(await measurePackets(farm, name, port, rounds));
  };
  const talk = async (name: string, to: string, port: number, more: readonly Process[] = []): Promise<void> => {
    connections.push(await measureConnections(farm, name, to, port, rounds, [...processes, ...more]));
  };

  {
    using source = new Flood();
    using _drop = source.sink(farm.box, 'p0');
    packets.push(await measurePackets(farm, 'generator alone (balancer drops)', WEB, rounds, false));
  }
  await talk('no balancer (kernel routes)', address, WEB);
  farm.box.exec(['nft', '-f', '-'], {
    input: `table ip path { chain in { type nat hook prerouting priority dstnat; policy accept;
      ip daddr ${vip4} udp dport ${WEB} dnat to ${address}:${WEB}
      ip daddr ${vip4} tcp dport ${WEB} dnat to ${address}:${WEB}
    }
    }\n`,
  });
  await push('nftables, dnat', WEB);
  await talk('nftables, dnat', vip4, WEB);
  farm.box.exec(['nft', 'delete', 'table', 'ip', 'path']);
  const proxy = await haproxy(farm, address);
  await talk('haproxy, mode tcp', '10.0.1.1', PROXY, [proxy]);
  await proxy.kill();

  const box = await balancer(farm, address);
  for (const [mode, port] of Object.entries(modes)) await push(`Headrace, ${mode}`, port);
  await talk('Headrace, l2', vip4, modes.l2);
  await talk('Headrace, nat', vip4, modes.nat);
  await box.stop();
  print(json, rounds, packets, connections);
}

function nginx(farm: Farm): Process {
  const server = farm.servers.get('a')!;
  const file = `${server.folder}/nginx.conf`;
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${server.folder}/nginx.pid; error_log stderr crit;
events { worker_connections 4096; }
http { access_log off; server { listen ${WEB} backlog=4096; location / { return 200 "well"; } } }\n`,
  );
  return server.spawn(['nginx', '-c', file, '-p', server.folder]);
}

async function haproxy(farm: Farm, address: string): Promise<Process> {
  const file = `${farm.box.folder}/haproxy.cfg`;
  writeFileSync(
    file,
    `global\n  maxconn 8192\n  nbthread 1\ndefaults\n  mode tcp\n  timeout connect 2s\n  timeout client 5s\n  timeout server 5s
listen web\n  bind 10.0.1.1:${PROXY}\n  server a ${address}:${WEB}\n`,
  );
  const process = farm.box.spawn(['haproxy', '-db', '-f', file]);
  await until(
    'haproxy to answer',
    () => farm.client.exec(['curl', '-s', `http://10.0.1.1:${PROXY}/`], { mayFail: true }).status === 0,
  );
  return process;
}

async function balancer(farm: Farm, address: string): Promise<Headrace> {
  const service = (protocol: 'tcp' | 'udp', mode: string, port: number): object => ({
    frontends: [{ vip: vip4, [protocol]: port }],
    pool: 'web',
    forward: { mode },
  });
  const box = await headrace(farm.box, {
    version: 1,
    dataplane: { interfaces: [{ match: 'p*' }] },
    pools: { web: { backends: { a: { address, port: WEB } } } },
    services: Object.fromEntries(
      Object.entries(modes).flatMap(([mode, port]) =>
        (['tcp', 'udp'] as const).map((protocol) => [`${mode}-${protocol}`, service(protocol, mode, port)]),
      ),
    ),
  });
  await until('the services to be ready', () =>
    (JSON.parse(box.cli('services', '--json').stdout) as { ready: boolean }[]).every(({ ready }) => ready),
  );
  return box;
}

async function measurePackets(
  farm: Farm,
  name: string,
  port: number,
  rounds: number,
  delivers = true,
): Promise<PacketRow> {
  using source = new Flood();
  using _sink = source.sink(farm.servers.get('a')!, 's0');
  const spec = {
    ...{ from: farm.client, device: 'c0', to: farm.box.mac('p0'), source: '10.0.1.2', destination: vip4 },
    ...{ port, protocol: UDP, flows: FLOWS },
  };
  const ns: number[] = [];
  const lost: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const before = source.delivered;
    runOnCpus([0]);
    const each = source.send(spec, PACKETS);
    await sleep(50);
    const arrived = delivers ? source.delivered - before : PACKETS;
    if (round === 0) continue; // every flow is new
    ns.push((each * PACKETS) / Math.max(1, arrived));
    lost.push(1 - arrived / PACKETS);
  }
  runOnCpus(os.cpus().map((_, i) => i));
  if (summarize(lost).median > 0.5) throw new Error(`measure ${name}: half of the packets never arrived`);
  return { name, ns: summarize(ns), lost: summarize(lost).median };
}

async function measureConnections(
  farm: Farm,
  name: string,
  to: string,
  port: number,
  rounds: number,
  processes: readonly Process[],
): Promise<ConnectionRow> {
  const cpu: number[] = [];
  const perSecond: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const before = processes.map(({ pid }) => cpuOf(pid)).reduce((sum, used) => sum + used, 0);
    const milliseconds = round === 0 ? 300 : 1000;
    const { stdout, stderr } = farm.client.exec(
      [
        'bash',
        '-c',
        `time ${process.execPath} ${repository}/dist/test/bench/connect-process.js ${to} ${port} ${milliseconds} 32`,
      ],
      { env: { TIMEFORMAT: '%U %S' } },
    );
    const after = processes.map(({ pid }) => cpuOf(pid)).reduce((sum, used) => sum + used, 0);
    const { answered, failed, seconds } = JSON.parse(stdout) as { answered: number; failed: number; seconds: number };
    if (answered === 0 || failed > answered / 20)
      throw new Error(`measure ${name}: ${answered} answered, ${failed} failed`);
    if (round === 0) continue;
    const client = stderr
      .trim()
      .split(/\s+/)
      .map(Number)
      .reduce((sum, used) => sum + used, 0);
    perSecond.push(answered / seconds);
    cpu.push(((client + after - before) * 1e6) / answered);
  }
  return { name, perSecond: Math.max(...perSecond), cpu: summarize(cpu) };
}

/** Seconds of CPU that a process has used, in the kernel and out of it (proc(5), stat: fields 14 and 15, in ticks of 10 ms). */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function print(
  json: boolean,
  rounds: number,
  packets: readonly PacketRow[],
  connections: readonly ConnectionRow[],
): void {
  const machine = { kernel: os.release(), cpu: os.cpus()[0]?.model ?? 'unknown', load: os.loadavg()[0], rounds };
  const generator = packets[0]!.ns.min;
  const nft = packets.find(({ name }) => name.startsWith('nftables'))!.ns.min;
  const direct = connections[0]!.cpu.min;
  const packetRows = packets.map((row) => ({
    ...row,
    toNftables: nft / row.ns.min,
    toNftablesNet: (nft - generator) / Math.max(1, row.ns.min - generator),
  }));
  const connectionRows = connections.map((row) => ({ ...row, toDirect: row.cpu.min / direct }));
  if (json) {
    console.log(JSON.stringify({ machine, packets: packetRows, connections: connectionRows }, undefined, 2));
    return;
  }
  console.log(`Linux ${machine.kernel}, ${machine.cpu}, load ${machine.load?.toFixed(1)}`);
  console.log(`\nUDP of ${FLOWS.toLocaleString('en')} flows, veth to veth on one core: ns a packet that arrived`);
  console.log(`${''.padEnd(34)}    min  median   Mpps   lost  × nftables  net of generator`);
  for (const [i, { name, ns, lost, toNftables, toNftablesNet }] of packetRows.entries())
    console.log(
      `${name.padEnd(34)} ${ns.min.toFixed(0).padStart(6)}  ${ns.median.toFixed(0).padStart(6)}  ${(1000 / ns.min).toFixed(2).padStart(5)}  ` +
        `${(lost * 100).toFixed(1).padStart(4)} %  ${toNftables.toFixed(2).padStart(10)}  ${i === 0 ? '' : toNftablesNet.toFixed(2).padStart(16)}`,
    );
  console.log('\nConnections, one request each: CPU of client, balancer and server for one');
  console.log(`${''.padEnd(34)}  µs min  median  best/s  × no balancer`);
  for (const { name, cpu, perSecond, toDirect } of connectionRows)
    console.log(
      `${name.padEnd(34)} ${cpu.min.toFixed(0).padStart(7)}  ${cpu.median.toFixed(0).padStart(6)}  ${perSecond.toFixed(0).padStart(6)}  ${toDirect.toFixed(2).padStart(13)}`,
    );
}
