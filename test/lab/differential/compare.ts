/**
 * What came of each packet at either router, side by side, and which differences are known and meant.
 *
 * An explanation names the classes it may appear in and looks at the frames: a difference of the same looks elsewhere,
 * or of other looks there, is a failure.
 */
import { icmpType, normalized } from './frame.ts';

/** A frame that left a router. */
export interface Departure {
  /** Number of the port it left by. */
  readonly port: number;
  readonly frame: Buffer;
}

export interface Difference {
  readonly onlyKernel: readonly Departure[];
  readonly onlyHeadrace: readonly Departure[];
}

interface Explanation {
  readonly reason: string;
  readonly classes: readonly string[];
  covers(sent: Uint8Array, difference: Difference): boolean;
}

const redirects = new Set(['4/5', '6/137']);
const tooBig = new Set(['4/3', '6/2']);

export const explanations: readonly Explanation[] = [
  {
    reason: 'the kernel also tells the sender of a better next hop (ICMP redirect), which is information only',
    classes: ['hairpin', 'fuzz'],
    covers: (_sent, { onlyKernel, onlyHeadrace }) =>
      onlyHeadrace.length === 0 && onlyKernel.every(({ frame }) => redirects.has(icmpType(frame) ?? '')),
  },
  {
    reason: 'bpf_fib_lookup knows no route MTU that is not locked; the packet fits the link and goes out whole',
    classes: ['route-mtu-unlocked'],
    covers: (sent, { onlyKernel, onlyHeadrace }) =>
      sent.length > 14 + 1400 &&
      onlyHeadrace.length === 1 &&
      onlyHeadrace[0]!.port === 1 &&
      onlyHeadrace[0]!.frame.length === sent.length &&
      onlyKernel.every(({ port, frame }) =>
        port === 1 ? frame.length <= 14 + 1400 : tooBig.has(icmpType(frame) ?? ''),
      ),
  },
];

/** Reason why a difference in packets of a class is as it should be; undefined when there is none. */
export function explain(className: string, sent: Uint8Array, difference: Difference): string | undefined {
  return explanations.find(({ classes, covers }) => classes.includes(className) && covers(sent, difference))?.reason;
}

const key = ({ port, frame }: Departure): string => `${port} ${normalized(frame).toString('latin1')}`;

function without(departures: readonly Departure[], others: readonly Departure[]): Departure[] {
  const left = new Map<string, number>();
  for (const other of others) left.set(key(other), (left.get(key(other)) ?? 0) + 1);
  return departures.filter((departure) => {
    const count = left.get(key(departure)) ?? 0;
    if (count > 0) left.set(key(departure), count - 1);
    return count === 0;
  });
}

/** What only one of the two sent; undefined when both sent the same. */
export function compare(kernel: readonly Departure[], headrace: readonly Departure[]): Difference | undefined {
  const onlyKernel = without(kernel, headrace);
  const onlyHeadrace = without(headrace, kernel);
  return onlyKernel.length + onlyHeadrace.length === 0 ? undefined : { onlyKernel, onlyHeadrace };
}
