/**
 * The whole experiment: build both routers, send both the same packets class by class, wait until nothing more comes
 * out, compare.
 *
 * After each batch a marker packet goes in, and the next batch waits until the marker is out of both routers and the
 * wires are quiet; that keeps queues short. Since answers are matched by packet and not by time, one that comes late
 * (an unreachable neighbor's) is still counted: verdicts are only given at the end.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { packet } from '../../dataplane/packets/packet.ts';
import { udp } from '../../dataplane/packets/transport.ts';
import { Lab, until } from '../library/index.ts';
import { buildBox, hostMac, routerMac } from './boxes.ts';
import { Capture, untagged } from './capture.ts';
import { RouterChanges } from './changes.ts';
import { classes, type Injection, type PacketClass } from './classes.ts';
import { compare, type Difference, explain } from './compare.ts';
import { PacketPath } from './packet-path.ts';
import { Random } from './random.ts';
import { tagged } from './tag.ts';

export interface Options {
  readonly seed: number;
  /** Packets in total, spread evenly over the classes. */
  readonly count: number;
  /** Only the classes whose names contain this. */
  readonly only?: string;
  /** Without the daemon: see PacketPath. */
  readonly alone?: boolean;
  /** Who knows the way. Default helper. */
  readonly fib?: 'helper' | 'mirror';
  /** Routes, next hops, neighbors, a link and rules change all the time, on both alike. Default: they stay. */
  readonly changing?: boolean;
}

export interface ClassResult {
  readonly name: string;
  readonly plain: boolean;
  sent: number;
  same: number;
  explained: number;
  different: number;
  /** Taken by the fast path. */
  fast: number;
}

export interface Mismatch extends Difference {
  readonly className: string;
  readonly id: number;
  readonly sent: Injection | undefined;
}

export interface Report {
  readonly classes: readonly ClassResult[];
  readonly mismatches: readonly Mismatch[];
  /** Reasons of explained differences and how often each held. */
  readonly explained: ReadonlyMap<string, number>;
  /** Share of plainly forwardable packets that the fast path took, 0 to 1. */
  readonly fastShare: number;
  /** Packets by reason, as Headrace counted them. */
  readonly reasons: ReadonlyMap<string, number>;
}

const batchSize = 64;
const firstMarker = 0xf000_0000;

interface Sent {
  readonly id: number;
  readonly injection: Injection;
  readonly result: ClassResult;
}

class Experiment {
  readonly sent: Sent[] = [];
  readonly #captures: readonly Capture[];
  #markers = firstMarker;

  constructor(captures: readonly Capture[]) {
    this.#captures = captures;
  }

  #collect(): number {
    return this.#captures.reduce((count, capture) => count + capture.collect(), 0);
  }

  /** Until nothing has come for `rounds` looks, `everyMs` apart. */
  async quiet(rounds: number, everyMs: number): Promise<void> {
    for (let still = 0; still < rounds; still = this.#collect() === 0 ? still + 1 : 0) await delay(everyMs);
  }

  async settle(): Promise<void> {
    const id = this.#markers++;
    const frame = packet({
      to: routerMac(0),
      from: hostMac(0),
      source: '10.0.0.2',
      destination: '198.51.100.1',
      payload: udp({ data: tagged(id, 16) }),
    });
    for (const capture of this.#captures) capture.send(0, frame);
    const arrived = (): boolean => {
      this.#collect();
      return this.#captures.every((capture) => capture.of(id).length > 0);
    };
    await until('the marker to leave both routers', arrived, { everyMs: 2 });
    await this.quiet(2, 2);
  }

  /** A packet's number that is not compared. */
  nextMarker(): number {
    return this.#markers++;
  }

  /** `change` is called before every batch. */
  async send(
    kind: PacketClass,
    count: number,
    seed: number,
    change: (() => Promise<void>) | undefined,
  ): Promise<ClassResult> {
    const result: ClassResult = {
      name: kind.name,
      plain: kind.plain ?? false,
      sent: 0,
      same: 0,
      explained: 0,
      different: 0,
      fast: 0,
    };
    const random = new Random(seed);
    while (result.sent < count) {
      if (result.sent % batchSize === 0) await change?.();
      const id = this.sent.length + 1;
      const injection = kind.make(id, random);
      for (const capture of this.#captures) capture.send(injection.port, injection.frame);
      this.sent.push({ id, injection, result });
      if (++result.sent % batchSize === 0) await this.settle();
    }
    await this.settle();
    return result;
  }
}

/** Runs it. Needs root; takes down what it built. */
export async function runDifferential(options: Options): Promise<Report> {
  await using lab = new Lab('diff');
  const kernelBox = buildBox(lab, 'kernel');
  const headraceBox = buildBox(lab, 'fast');
  const router = headraceBox.router;
  const fastPath = options.alone === true ? PacketPath.alone(router) : await PacketPath.daemon(router, options.fib);
  using kernel = new Capture(kernelBox);
  using fast = new Capture(headraceBox);
  const experiment = new Experiment([kernel, fast]);
  await experiment.settle();
  const changes =
    options.changing === true
      ? new RouterChanges([kernelBox, headraceBox], [kernel, fast], new Random(options.seed), () =>
          experiment.nextMarker(),
        )
      : undefined;

  const chosen = classes.filter(({ name }) => name.includes(options.only ?? ''));
  const each = Math.max(1, Math.ceil(options.count / chosen.length));
  const results: ClassResult[] = [];
  for (const kind of chosen) {
    const before = fastPath.forwarded();
    const marker = experiment.nextMarker();
    const seed = options.seed * 1000 + classes.indexOf(kind);
    const result = await experiment.send(kind, each, seed, changes && (() => changes.step()));
    result.fast = Math.max(0, fastPath.forwarded() - before - (experiment.nextMarker() - marker - 1));
    results.push(result);
  }

  const differs = (): boolean => experiment.sent.some(({ id }) => compare(kernel.of(id), fast.of(id)) !== undefined);
  await experiment.quiet(10, 50);
  if (differs()) await experiment.quiet(15, 100);
  return { ...report(experiment.sent, results, kernel, fast), reasons: fastPath.reasons() };
}

function report(
  sent: readonly Sent[],
  results: readonly ClassResult[],
  kernel: Capture,
  fast: Capture,
): Omit<Report, 'reasons'> {
  const mismatches: Mismatch[] = [];
  const explained = new Map<string, number>();
  const known = new Set<number>();
  for (const { id, injection, result } of sent) {
    known.add(id);
    const difference = compare(kernel.of(id), fast.of(id));
    if (difference === undefined) {
      result.same++;
      continue;
    }
    const reason = explain(result.name, injection.frame, difference);
    if (reason === undefined) {
      result.different++;
      mismatches.push({ className: result.name, id, sent: injection, ...difference });
    } else {
      result.explained++;
      explained.set(reason, (explained.get(reason) ?? 0) + 1);
    }
  }
  // What carries no packet's number, or that of none sent (its bytes were changed), is compared as a heap.
  const strangers = (capture: Capture) =>
    [...capture.departures]
      .filter(([id]) => !known.has(id) && id < firstMarker)
      .flatMap(([, departures]) => departures);
  const difference = compare(strangers(kernel), strangers(fast));
  if (difference) mismatches.push({ className: 'no class known', id: untagged, sent: undefined, ...difference });
  const plain = results.filter((result) => result.plain);
  const sum = (field: 'fast' | 'sent'): number => plain.reduce((total, result) => total + result[field], 0);
  return { classes: results, mismatches, explained, fastShare: plain.length === 0 ? 1 : sum('fast') / sum('sent') };
}
