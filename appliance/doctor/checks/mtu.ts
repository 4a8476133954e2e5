/** Do frames of this MTU fit what the driver takes and transmits? */
import { type Check, ok, type Result, unknown } from '../check.ts';

/** Largest MTU whose frames are of one buffer, on pages of 4 KiB. */
const SINGLE_BUFFER = 3498;

export const mtu: Check = {
  name: 'mtu',
  why: 'Frames larger than a page are of several buffers. A driver that does not transmit such frames can be no egress of the fast path; different MTUs make packets too large somewhere, which costs an ICMP error and a retransmission each.',
  examine({ interfaces }) {
    const results = interfaces.map((port): Result => {
      if (port.mtu <= SINGLE_BUFFER) return ok(port.name, `MTU ${port.mtu}`);
      if (port.xdpFeatures === null)
        return unknown(
          port.name,
          `MTU ${port.mtu}; the kernel does not tell whether frames of several buffers are transmitted`,
        );
      if (port.xdpFeatures.ndoXmitSg)
        return ok(port.name, `MTU ${port.mtu}, and frames of several buffers are transmitted`);
      return {
        subject: port.name,
        verdict: 'warn',
        says: `MTU ${port.mtu}, but the driver transmits no XDP frames of several buffers`,
        mend: `ip link set dev ${port.name} mtu ${SINGLE_BUFFER}`,
      };
    });
    const different = [...new Set(interfaces.map((port) => port.mtu))];
    return different.length < 2
      ? results
      : [
          ...results,
          { subject: 'system', verdict: 'note', says: `the interfaces have different MTUs: ${different.join(', ')}` },
        ];
  },
};
