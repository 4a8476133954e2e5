/**
 * `headrace capture`: packets as they came in and as they went out, with what became of them and why.
 *
 * The daemon switches the tap on; the packets are read here, straight from the pinned ring, so that a slow disk or
 * terminal never holds up the daemon. What is not read in time is lost, and counted: see capture-output.ts.
 */
import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { maps } from '../../controlplane/bpf/generated/headrace.ts';
import { BpfMap, RingBuffer } from '../../controlplane/bpf/index.ts';
import { RouteNetlink } from '../../controlplane/netlink/index.ts';
import { readTapRecord, type TapRecord } from '../../controlplane/tap/index.ts';
import { PcapngWriter } from '../../monitoring/index.ts';
import type { CaptureRequest } from '../daemon/parts/capture-session.ts';
import { packetLine } from './capture-line.ts';
import { CaptureOutput } from './capture-output.ts';
import { askDaemon, type InstanceOptions, pathsOf, withInstance } from './instance.ts';

interface CaptureCommandOptions extends InstanceOptions {
  readonly interface?: string;
  readonly filter?: string;
  readonly verdict: readonly string[];
  readonly reason: readonly string[];
  readonly write?: string;
  readonly count?: number;
  readonly duration?: number;
  readonly snap: number;
  readonly rate: number;
}

interface Counts {
  readonly captured: number;
  readonly missed: number;
  readonly limited: number;
}

const READ_INTERVAL_MS = 20;
const KEEP_INTERVAL_MS = 1000;
/** Then timers and signals have their turn. */
const RECORDS_A_TURN = 2000;

export function addCapture(program: Command): void {
  const several = (value: string, before: readonly string[]): readonly string[] => [...before, ...value.split(',')];
  withInstance(program.command('capture'))
    .description('show or save packets as they came in and as they went out, with verdict and reason')
    .option('-i, --interface <name>', 'only packets that arrive there')
    .option('--filter <expression>', 'which packets: "tcp and host 192.0.2.1 and port 443"')
    .option('--verdict <names>', 'only these: pass, drop, tx, redirect, aborted', several, [])
    .option('--reason <names>', 'only these, named as in "headrace counters"', several, [])
    .option('-w, --write <file>', 'save as pcapng, for Wireshark and tshark; "-" is standard output')
    .option('--count <n>', 'stop after so many packets', positive)
    .option('--duration <seconds>', 'stop after so many seconds', positive)
    .option('--snap <bytes>', 'bytes of each packet, at most 2048', positive, 256)
    .option('--rate <n>', 'at most so many packets a second and CPU', positive, 10_000)
    .addHelpText(
      'after',
      `
A filter is made of ip, ip6, tcp, udp, icmp, icmp6, sctp, "proto N", "[src|dst] host ADDRESS", "[src|dst] net PREFIX"
and "[src|dst] port N", joined by "and". In the file, each packet has a comment with its verdict and reason; a packet
that was sent on is there twice, with the same packet id.

Costs nothing while nobody captures; while somebody does, every packet costs more. Ends by itself soon after this
command or the daemon is gone.

Examples:
  headrace capture -i eth0 --count 20
  headrace capture --verdict pass,drop --filter "tcp and port 443"
  headrace capture --reason no_neighbor --duration 10 -w punted.pcapng
  headrace capture -w - | tshark -r - -T fields -e ip.dst -e frame.comment`,
    )
    .action(capture);
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.');
  return Number(text);
}

async function capture(options: CaptureCommandOptions): Promise<void> {
  const paths = await pathsOf(options);
  const request: CaptureRequest = {
    filter: options.filter ?? '',
    verdicts: [...options.verdict],
    reasons: [...options.reason],
    snap: Math.min(options.snap, 2048),
    rate: Math.max(options.rate, 4),
    ...(options.interface === undefined ? {} : { interface: options.interface }),
  };
  let end = (_: Ending): void => {};
  const output = new CaptureOutput(options.write, (error) => end({ error }));
  // What the ring still holds of a capture before is older.
  const since = process.hrtime.bigint();
  const started = await askDaemon<{ token: string }>(paths, '/capture/start', { method: 'POST', body: request });
  if (!started)
    throw Object.assign(new Error(`instance "${paths.instance}" is not running: start it with headrace run -c FILE`), {
      code: 'ABSENT',
    });
  const { token } = started;
  const asked = (what: 'keep' | 'stop') =>
    askDaemon<Counts | null>(paths, `/capture/${what}`, { method: 'POST', body: { token } });
  let counts: Counts | undefined;
  let ending: Ending = {};
  let sink: Sink | undefined;
  try {
    output.begin();
    using map = BpfMap.openPinned(path.join(paths.maps, maps.tapCaptured.name), maps.tapCaptured);
    using ring = new RingBuffer(map as BpfMap<unknown, unknown>);
    const into = sinkFor(options, output);
    sink = into;
    const timers: NodeJS.Timeout[] = [];
    const read = (): void => {
      let turn = RECORDS_A_TURN;
      const more = (): boolean => into.packets < (options.count ?? Number.POSITIVE_INFINITY);
      if (more() && !output.full)
        ring.drain((view) => {
          const record = readTapRecord(view);
          if (record.header.time >= since) into.packet(record);
          return more() && !output.full && --turn > 0;
        });
      if (!more()) end({});
    };
    const finish = (): void => {
      read();
      end({});
    };
    const keep = async (): Promise<void> => {
      const answer = await asked('keep');
      if (answer === undefined) end({ early: 'the daemon is gone' });
      else counts = answer ?? undefined;
    };
    ending = await new Promise<Ending>((resolve) => {
      end = resolve;
      const failed = (error: Error): void => resolve({ early: error.message });
      timers.push(setInterval(() => attempt(read, (error) => resolve({ error })), READ_INTERVAL_MS));
      timers.push(setInterval(() => void keep().catch(failed), KEEP_INTERVAL_MS));
      if (options.duration !== undefined) timers.push(setTimeout(finish, options.duration * 1000));
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, finish);
    });
    for (const timer of timers) clearInterval(timer);
  } finally {
    // Off at once, however long the reader takes for what it has not read yet.
    counts = (await asked('stop').catch(() => undefined)) ?? counts;
    await output.end();
  }
  if (ending.error && (ending.error as NodeJS.ErrnoException).code !== 'EPIPE') throw ending.error;
  console.error(summary(sink.packets, counts, ending.early));
  if (ending.early !== undefined) process.exitCode = 1;
}

/** Why a capture ended: as it was asked to, by an error, or before its time. */
interface Ending {
  readonly error?: Error;
  readonly early?: string;
}

function attempt(work: () => void, failed: (error: Error) => void): void {
  try {
    work();
  } catch (error) {
    failed(error instanceof Error ? error : new Error(String(error)));
  }
}

interface Sink {
  readonly packets: number;
  packet(record: TapRecord): void;
}

function sinkFor({ write, snap }: CaptureCommandOptions, output: CaptureOutput): Sink {
  const names = interfaceNames();
  const epoch = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
  let packets = 0;
  const put = (bytes: Uint8Array | string): void => output.write(bytes);
  const file = write === undefined ? undefined : new PcapngWriter(put, names, epoch, snap);
  return {
    get packets() {
      return packets;
    },
    packet(record) {
      packets++;
      if (file) file.packet(record);
      else put(`${packetLine(record, names, epoch)}\n`);
    },
  };
}

function interfaceNames(): (ifindex: number) => string {
  using netlink = RouteNetlink.open();
  const names = new Map(netlink.links().map((link) => [link.index, link.name]));
  return (ifindex) => names.get(ifindex) ?? `if${ifindex}`;
}

function summary(shown: number, counts: Counts | undefined, early: string | undefined): string {
  const said = [
    counts && counts.missed > 0 ? `${counts.missed} lost because they were not read fast enough` : '',
    counts && counts.limited > 0 ? `${counts.limited} beyond the rate, which --rate raises` : '',
    early === undefined ? '' : `ended early: ${early}`,
  ].filter(Boolean);
  return [`${shown} packets`, ...said].join('; ');
}
