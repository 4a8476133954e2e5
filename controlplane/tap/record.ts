/** A record of the tap's rings: a packet as it came in and as it went out. */
import { reasonNames, type TapHeader, tapHeaderCodec, verdictNames } from '../bpf/generated/headrace.ts';

export interface TapRecord {
  readonly header: TapHeader;
  readonly verdict: string;
  readonly reason: string;
  /** As it came in, from the Ethernet header on, at most as long as was asked for. */
  readonly incoming: Uint8Array;
  /** As it went out; empty when it was not transmitted. */
  readonly outgoing: Uint8Array;
}

/** Copies what the ring's memory holds. @throws RangeError for a record that is shorter than it says. */
export function readTapRecord(view: DataView): TapRecord {
  const header = tapHeaderCodec.read(view, 0);
  const at = view.byteOffset + tapHeaderCodec.size;
  if (tapHeaderCodec.size + header.captured + header.out_captured > view.byteLength)
    throw new RangeError(`read tap record: ${view.byteLength} bytes hold less than it says`);
  const copy = (from: number, length: number): Uint8Array => new Uint8Array(view.buffer.slice(from, from + length));
  return {
    header,
    verdict: verdictNames[header.verdict] ?? String(header.verdict),
    reason: reasonNames[header.reason] ?? String(header.reason),
    incoming: copy(at, header.captured),
    outgoing: copy(at + header.captured, header.out_captured),
  };
}
