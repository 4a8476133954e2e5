/** Tables of packets: what goes in, what becomes of it and why, and what comes out byte for byte. */
import { expect, it } from 'vitest';
import { forwarded, type PacketSpec, type PortName, packet } from './packets/packet.ts';
import type { ReasonName, TestRouter } from './router.ts';

/** A packet and what becomes of it: the port it leaves by, or why it goes to the kernel. */
export type Row = readonly [name: string, spec: PacketSpec, becomes: { readonly out: PortName } | ReasonName];

/** Registers a test a row. A packet that goes to the kernel must come back as it was. */
export function table(router: () => TestRouter, rows: readonly Row[], ingress: PortName = 'in0'): void {
  for (const [name, spec, becomes] of rows) {
    const text = typeof becomes === 'string' ? `goes to the kernel: ${becomes}` : `leaves by ${becomes.out}`;
    it(`${name} ${text}`, () => expectRow(router(), spec, becomes, ingress));
  }
}

export function expectRow(router: TestRouter, spec: PacketSpec, becomes: Row[2], ingress: PortName = 'in0'): void {
  const frame = packet(spec);
  const outcome = router.send(frame, ingress);
  if (typeof becomes === 'string') {
    expect({ ...outcome, frame: hex(outcome.frame) }).toEqual({ verdict: 'pass', reason: becomes, frame: hex(frame) });
    return;
  }
  expect({ ...outcome, frame: hex(outcome.frame) }).toEqual({
    verdict: becomes.out === ingress ? 'tx' : 'redirect',
    reason: 'forwarded',
    frame: hex(forwarded(spec, becomes.out)),
  });
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
