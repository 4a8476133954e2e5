/**
 * Switches the packet path's tap: what is captured, what is sampled.
 *
 * The tap is in the program only while one of them is wanted, so that a box nobody watches pays nothing.
 */
import { reasonNames, type TapFilter, type TapState, tapLayout, verdictNames } from '../bpf/generated/headrace.ts';
import type { DataPlane } from '../dataplane/index.ts';
import { type FilterConditions, parseFilter } from './filter.ts';

export interface CaptureOptions {
  /** ifindex of arrival; 0: any. */
  readonly ifindex: number;
  readonly filter: FilterConditions;
  /** Names; empty: all. */
  readonly verdicts: readonly string[];
  /** Names; empty: all. */
  readonly reasons: readonly string[];
  /** Bytes of each packet. */
  readonly snap: number;
  /** Packets a second and CPU. */
  readonly rate: number;
}

/** Sums over CPUs, since the tap was switched on. */
export interface TapCounts {
  readonly captured: bigint;
  /** Not captured, because the reader was too slow. */
  readonly missed: bigint;
  /** Not captured, because of the rate that was asked for. */
  readonly limited: bigint;
  readonly sampled: bigint;
  readonly sampleMissed: bigint;
}

/** Nothing is captured and nothing sampled. */
export const idle: TapFilter = tapFilterOf({
  ifindex: 0,
  filter: parseFilter(''),
  verdicts: [],
  reasons: [],
  snap: 0,
  rate: 0,
});

export class Tap {
  readonly #plane: DataPlane;
  #filter: TapFilter = idle;

  constructor(plane: DataPlane) {
    this.#plane = plane;
  }

  get capturing(): boolean {
    return this.#filter.capturing !== 0;
  }

  /** @throws RangeError for a verdict or reason that does not exist; BpfError, VerifierError. Nothing changes then. */
  startCapture(options: CaptureOptions): void {
    this.#use({ ...tapFilterOf(options), capturing: 1, sample_rate: this.#filter.sample_rate });
  }

  stopCapture(): void {
    this.#use({ ...idle, sample_rate: this.#filter.sample_rate });
  }

  /** @param rate one packet in so many; 0: none. */
  sample(rate: number): void {
    this.#use({ ...this.#filter, sample_rate: rate });
  }

  /** Undefined while the tap is off. */
  counts(): TapCounts | undefined {
    const states: readonly TapState[] | undefined = this.#plane.maps.tapState?.getPerCpu(0);
    if (!states) return undefined;
    const sum = (of: (state: TapState) => bigint): bigint => states.reduce((total, state) => total + of(state), 0n);
    return {
      captured: sum((state) => state.captured),
      missed: sum((state) => state.missed),
      limited: sum((state) => state.limited),
      sampled: sum((state) => state.sampled),
      sampleMissed: sum((state) => state.sample_missed),
    };
  }

  #use(filter: TapFilter): void {
    const wanted = filter.capturing !== 0 || filter.sample_rate !== 0;
    const features = { feature_tap: wanted, feature_capture: filter.capturing !== 0 };
    if (wanted) this.#plane.useFeatures(features);
    // Never half old and half new under a running capture: a record is larger than a word.
    this.#plane.maps.tapFilter?.set(0, idle);
    this.#plane.maps.tapFilter?.set(0, filter);
    // A gap that was drawn for another rate must not be waited out.
    if (filter.sample_rate !== this.#filter.sample_rate) this.#plane.maps.tapCountdown?.set(0, 0);
    if (!wanted) this.#plane.useFeatures(features);
    this.#filter = filter;
  }
}

/** What the packet path compares with, not capturing yet. @throws RangeError for an unknown name. */
export function tapFilterOf(options: CaptureOptions): TapFilter {
  return {
    capturing: 0,
    sample_rate: 0,
    ifindex: options.ifindex,
    snap: Math.min(options.snap, tapLayout.BYTES_MAX),
    rate: options.rate,
    verdicts: bits(options.verdicts, verdictNames, 'verdict')[0]!,
    reasons: wide(bits(options.reasons, reasonNames, 'reason')),
    conditions: options.filter.conditions,
    family: options.filter.family,
    protocol: options.filter.protocol,
    source_port: options.filter.source_port,
    destination_port: options.filter.destination_port,
    reserved: 0,
    reserved2: 0,
    source: options.filter.source,
    destination: options.filter.destination,
  };
}

/** Bits by 32-bit words. */
function bits(names: readonly string[], known: readonly string[], what: string): number[] {
  const words = new Array<number>(2 * tapLayout.REASON_WORDS).fill(names.length === 0 ? 0xffff_ffff : 0);
  for (const name of names) {
    const number = known.indexOf(name);
    if (number === -1) throw new RangeError(`there is no ${what} "${name}": known are ${known.join(', ')}`);
    words[number >> 5] = (words[number >> 5]! | (1 << (number & 31))) >>> 0;
  }
  return words;
}

function wide(words: readonly number[]): bigint[] {
  return Array.from(
    { length: tapLayout.REASON_WORDS },
    (_, i) => (BigInt(words[2 * i + 1]!) << 32n) | BigInt(words[2 * i]!),
  );
}
