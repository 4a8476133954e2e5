/** A datagram that must be answered, with the wanted bytes somewhere in the answer when they are given. */
import { failure, success } from '../outcome.ts';
import type { UdpProbe } from '../spec.ts';
import { exchange } from './datagram.ts';
import type { Run } from './probe.ts';

const SHOWN = 32;

export function udpRun({ port, send, expect }: UdpProbe): Run {
  const wanted = expect && Buffer.from(expect);
  return (to, timeoutMs) =>
    exchange(to, port, send, timeoutMs, (answer) => {
      if (!wanted || answer.includes(wanted)) return success(`${answer.length} bytes in answer`);
      return failure(`the answer is ${show(answer)}, wanted ${show(wanted)} in it`);
    });
}

/** Text as text, other bytes in hex; the beginning of it. */
function show(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, SHOWN));
  const text = head.toString('latin1');
  const shown = /^[\x20-\x7e]*$/.test(text) ? `"${text}"` : `0x${head.toString('hex')}`;
  return bytes.length > SHOWN ? `${shown}…` : shown;
}
