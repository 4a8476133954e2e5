/**
 * What a packet of a service costs inside the program, by BPF_PROG_TEST_RUN: nanoseconds of CPU time, counters on.
 *
 * Every run makes its frame new first, as a packet of one of many flows; what that and the harness cost is measured and
 * taken off everything. The floor is the least that a balancer with tunnels must do: make room and send back. All take
 * turns, so that a noisy moment hits all of them.
 */
import os from 'node:os';
import { type Arrival, maps as benchMaps } from '../../controlplane/bpf/generated/balance-bench.ts';
import { lbMode, lbUdp } from '../../controlplane/bpf/generated/headrace.ts';
import { BpfObject, type MappedMap, type Program } from '../../controlplane/bpf/index.ts';
import { BalancerBox, be16, mapped, settling, steady, TCP, UDP } from '../dataplane/balancer/box.ts';
import { mac } from '../dataplane/packets/bytes.ts';
import { hosts } from '../dataplane/packets/packet.ts';
import { repository } from '../lab/library/repository.ts';
import { CLIENTS, NAT_BACKEND, NAT_FLOWS, NAT_REPLY_PORT, natBench } from './balancer-nat.ts';
import { type Samples, summarize } from './statistics.ts';

/** A frame of 64 bytes with its check sequence, which XDP never sees. */
const FRAME = 60;
const SLOTS = 65_537;
const BACKENDS = 100;
const VIP4 = '192.0.2.100';
const VIP6 = '2001:db8:1::100';
const [DROP, TX, REDIRECT] = [1, 3, 4];

export interface Case {
  readonly name: string;
  readonly program?: string;
  readonly verdict: number;
  /** How many flows packets belong to; Infinity: each to a new one. */
  readonly flows: number;
  readonly port: number;
  readonly protocol?: number;
  readonly flags?: number;
  readonly ipv6?: boolean;
  /** By a box that translates. */
  readonly nat?: boolean;
  /** Default: a client's, and the VIP. */
  readonly source?: string;
  readonly destination?: string;
  /** Before each sample. */
  readonly prepare?: (box: BalancerBox) => void;
}

const ACK = 0x10;
const SYN = 0x02;

export interface BalancerBenchOptions {
  readonly json: boolean;
  readonly rounds: number;
  readonly repeat: number;
  /** A regular expression: of the cases beside the floors only those whose name matches. Default: all. */
  readonly only?: string;
}

export interface BalancerRow {
  readonly name: string;
  /** With harness and arrival. */
  readonly ns: Samples;
  /** Minimum without them, and how many times the floor's that is. */
  readonly net: number;
  readonly ratio: number;
}

const forever = 2n ** 62n;

/** The services under measurement: one of each kind, all over one hundred backends. */
export function furnish(box: BalancerBox): void {
  for (let i = 0; i < BACKENDS; i++) {
    box.backend({ number: i + 1, address: `10.0.1.${i + 10}`, behind: 'in0' });
    box.backend({ number: 1001 + i, address: `fd00:1::${(i + 16).toString(16)}`, behind: 'in0' });
  }
  const ring = (word: (owner: number) => number): number[] =>
    Array.from({ length: SLOTS }, (_, i) => word(((i * 7919) % BACKENDS) + 1));
  const at = (n: number): number => n * 65_552;
  box.ring(1, ring(steady), { first: at(0) });
  box.ring(
    2,
    ring((owner) => steady(owner + 1000)),
    { first: at(1) },
  );
  box.ring(
    3,
    ring((owner) => settling(owner, (owner % BACKENDS) + 1)),
    { first: at(2), deadline: forever },
  );
  box.vip(1, VIP4);
  box.vip(2, VIP6);
  const services: [number, string, number, number, number, number][] = [
    [10, VIP4, 80, TCP, 1, lbMode.IPIP],
    [11, VIP4, 81, TCP, 1, lbMode.L2],
    [12, VIP4, 82, TCP, 1, lbMode.GUE],
    [13, VIP4, 83, TCP, 2, lbMode.IPIP],
    [14, VIP4, 84, TCP, 3, lbMode.IPIP],
    [15, VIP4, 80, UDP, 1, lbMode.IPIP],
    [16, VIP6, 80, TCP, 2, lbMode.IPIP],
    [17, VIP4, 85, TCP, 2, lbMode.GUE],
    [19, VIP6, 81, TCP, 1, lbMode.IPIP],
  ];
  for (const [number, address, port, protocol, ring, mode] of services)
    box.service({ number, address, port, protocol, ring, mode });
  box.service({ number: 18, address: VIP4, port: 81, protocol: UDP, ring: 1, mode: lbMode.IPIP, udp: lbUdp.TRACKED });
  box.setBudgets({ syn: 2 ** 31, other: 2 ** 31 });
}

const many: readonly [string, number][] = [
  ['1 flow', 1],
  ['1,000 flows', 1_000],
  ['100,000 flows', 100_000],
  ['1 million flows', 1_000_000],
  ['3 million flows', 3_000_000],
];

const clear = (box: BalancerBox): void => box.clearFlows();

function cases(): Case[] {
  const tcp = { port: 80, verdict: TX, flows: 1 };
  return [
    { name: 'drop (harness and arrival)', program: 'floor_drop', verdict: DROP, flows: 1, port: 80 },
    { name: 'TX', program: 'floor_tx', verdict: TX, flows: 1, port: 80 },
    { name: 'make room and TX (floor)', program: 'floor_adjust', verdict: TX, flows: 1, port: 80 },
    ...many.map(([name, flows]) => ({ ...tcp, name: `ipip, ${name}`, flows })),
    { ...tcp, name: 'ipip, SYN of a new flow each packet', flows: Number.POSITIVE_INFINITY, flags: SYN },
    { ...tcp, name: 'settling, 1 flow, remembered', port: 84, prepare: clear },
    { ...tcp, name: 'settling, 100,000 flows, remembered', port: 84, flows: 100_000 },
    {
      ...tcp,
      name: 'settling, SYN of a new flow each packet',
      port: 84,
      flows: Number.POSITIVE_INFINITY,
      flags: SYN,
      prepare: clear,
    },
    { ...tcp, name: 'l2, 1 flow', port: 81 },
    { ...tcp, name: 'l2, 1 million flows', port: 81, flows: 1_000_000 },
    { ...tcp, name: 'gue, 1 flow', port: 82 },
    { ...tcp, name: 'gue, 1 million flows', port: 82, flows: 1_000_000 },
    { ...tcp, name: 'ipip in IPv6, 1 flow', port: 83 },
    { ...tcp, name: 'gue in IPv6, 1 flow', port: 85 },
    { ...tcp, name: 'IPv6 in IPv6, 1 flow', ipv6: true },
    { ...tcp, name: 'IPv6 in IPv6, 1 million flows', ipv6: true, flows: 1_000_000 },
    { ...tcp, name: 'IPv6 in IPv4, 1 flow', ipv6: true, port: 81 },
    { ...tcp, name: 'UDP by hash, 1 flow', protocol: UDP },
    { ...tcp, name: 'UDP by hash, 1 million flows', protocol: UDP, flows: 1_000_000 },
    { ...tcp, name: 'UDP tracked, 1 flow', protocol: UDP, port: 81 },
    { ...tcp, name: 'UDP tracked, 100,000 flows', protocol: UDP, port: 81, flows: 100_000 },
    { ...tcp, name: 'nat, 1 flow', port: 90, nat: true },
    { ...tcp, name: 'nat, 100,000 flows', port: 90, nat: true, flows: NAT_FLOWS },
    {
      ...tcp,
      name: 'nat, SYN of a new flow each packet',
      port: 90,
      nat: true,
      flows: Number.POSITIVE_INFINITY,
      flags: SYN,
    },
    {
      ...tcp,
      name: 'nat, reply, 1 flow',
      nat: true,
      source: NAT_BACKEND,
      destination: '10.0.1.2',
      port: NAT_REPLY_PORT,
    },
    { ...tcp, name: 'routed, beside a balancer', verdict: REDIRECT, destination: '198.51.100.7' },
    { ...tcp, name: 'routed, beside one that translates', verdict: REDIRECT, destination: '198.51.100.7', nat: true },
  ];
}

export function measureBalancer({ rounds, repeat, only = '' }: Omit<BalancerBenchOptions, 'json'>): BalancerRow[] {
  using box = new BalancerBox();
  furnish(box);
  using object = BpfObject.open(`${repository}/build/xdp/balance-bench.bpf.o`);
  object.load();
  using nat = natBench(SLOTS, BACKENDS);
  using programs = object.map(benchMaps.programs);
  using arrivals: MappedMap = object.map(benchMaps.arrivals).mmap();
  const wanted = new RegExp(only);
  const all = cases().filter(({ name, program }) => program !== undefined || wanted.test(name));
  const taken = new Map<string, Program>();
  const program = (name: string): Program => {
    const found = taken.get(name) ?? object.program(name);
    taken.set(name, found);
    return found;
  };
  const samples = all.map((): number[] => []);
  try {
    for (let round = 0; round < rounds; round++)
      all.forEach((one, i) => {
        one.prepare?.(box);
        const on = one.nat ? nat : box;
        programs.set(0, on.program.fd);
        samples[i]!.push(sample(on, program(one.program ?? 'subject'), arrivals, one, repeat));
      });
  } finally {
    for (const one of taken.values()) one.close();
  }
  const rows = all.map(({ name }, i) => ({ name, ns: summarize(samples[i]!) }));
  const base = rows[0]!.ns.min - bareNs(box, repeat);
  const floor = rows[2]!.ns.min - base;
  return rows.map((row) => ({ ...row, net: row.ns.min - base, ratio: (row.ns.min - base) / floor }));
}

/** The harness alone: the subject on a frame that is for somebody else, without an arrival, is not that; a drop is. */
function bareNs(box: BalancerBox, repeat: number): number {
  using object = BpfObject.open(`${repository}/build/xdp/balance-bench.bpf.o`);
  object.load();
  using bare = object.program('bare');
  return Math.min(...Array.from({ length: 7 }, () => cpuTime(box, bare, DROP, repeat)));
}

/** Nanoseconds of a packet, with the harness. */
export function sample(box: BalancerBox, program: Program, arrivals: MappedMap, one: Case, repeat: number): number {
  const endless = !Number.isFinite(one.flows);
  const macs = new DataView(Uint8Array.from([...mac(hosts.in0.router), ...mac(hosts.in0.host)]).buffer);
  const record: Arrival = {
    count: endless ? process.hrtime.bigint() & 0xffff_ffffn : 0n,
    flow_mask: endless ? 0xffff_ffff : 0,
    modulo: endless ? 0 : one.flows,
    frame: one.ipv6 ? FRAME + 20 : FRAME,
    source: words(one.source ?? (one.ipv6 ? '2001:db8:77::' : CLIENTS)),
    destination: words(one.destination ?? (one.ipv6 ? VIP6 : VIP4)),
    port: be16(one.port),
    protocol: one.protocol ?? TCP,
    flags: one.flags ?? ACK,
    ipv6: one.ipv6 ? 1 : 0,
    to: macs.getUint32(0, true),
    to_end: macs.getUint16(4, true),
    from_start: macs.getUint16(6, true),
    from: macs.getUint32(8, true),
    zero: 0,
  };
  benchMaps.arrivals.value.write(arrivals.view, 0, record);
  return cpuTime(box, program, one.verdict, repeat, one);
}

function cpuTime(box: BalancerBox, program: Program, verdict: number, repeat: number, one?: Case): number {
  const data = new Uint8Array(one?.ipv6 ? FRAME + 20 : FRAME);
  return box.inside(() => {
    const start = process.cpuUsage();
    const result = program.testRun({ data, ingressIfindex: box.ifindex('in0'), repeat });
    const used = process.cpuUsage(start);
    if (result.verdict !== verdict) throw new Error(`measure ${one?.name}: verdict ${result.verdict}, not ${verdict}`);
    return ((used.user + used.system) * 1000) / repeat;
  });
}

function words(text: string): number[] {
  const view = new DataView(mapped(text).buffer);
  return [0, 4, 8, 12].map((at) => view.getUint32(at, true));
}

/** Measures and prints, as a table or as JSON. */
export function benchBalancer(options: BalancerBenchOptions): void {
  const rows = measureBalancer(options);
  const machine = {
    kernel: os.release(),
    cpu: os.cpus()[0]?.model ?? 'unknown',
    load: os.loadavg()[0],
    rounds: options.rounds,
    repeat: options.repeat,
  };
  if (options.json) {
    console.log(JSON.stringify({ machine, slots: SLOTS, backends: BACKENDS, rows }, undefined, 2));
    return;
  }
  console.log(`Linux ${machine.kernel}, ${machine.cpu}, load ${machine.load?.toFixed(1)}: CPU ns a packet`);
  console.log(`A ring of ${SLOTS} slots, ${BACKENDS} backends, counters on; net: without making the frame`);
  const width = Math.max(...rows.map(({ name }) => name.length));
  console.log(`${''.padEnd(width)}     min  median     net  × floor`);
  for (const { name, ns, net, ratio } of rows)
    console.log(
      `${name.padEnd(width)}  ${[ns.min, ns.median, net].map((n) => n.toFixed(0).padStart(6)).join('  ')}  ${ratio.toFixed(2).padStart(7)}`,
    );
}
