/** Can each interface send what is redirected to it? */
import { type Check, ok, type Result, unknown } from '../check.ts';
import type { InterfaceFacts } from '../facts.ts';

export const egress: Check = {
  name: 'egress',
  why: 'Packets leave by the fast path only through interfaces that transmit XDP frames; through any other the kernel sends them, at its own speed.',
  examine({ interfaces }) {
    return interfaces.map(examinePort);
  },
};

function examinePort(port: InterfaceFacts): Result {
  if (!port.up || !port.running)
    return {
      subject: port.name,
      verdict: 'warn',
      says: port.up ? 'has no carrier' : 'is down',
      mend: port.up ? `check the cable and the far end of ${port.name}` : `ip link set dev ${port.name} up`,
    };
  if (port.xdpFeatures === null) return unknown(port.name, 'the kernel does not tell whether it transmits XDP frames');
  if (port.xdpFeatures.ndoXmit) return ok(port.name, 'transmits XDP frames');
  if (port.kind === 'veth')
    return {
      subject: port.name,
      verdict: 'warn',
      says: 'its far end takes no XDP frames',
      mend: 'at the far end: ethtool -K NAME gro on',
    };
  // Many drivers set up their transmit queues for XDP only when a program is attached.
  if (port.xdp === null && port.xdpFeatures.basic)
    return { subject: port.name, verdict: 'note', says: 'does not transmit XDP frames while no program is attached' };
  return {
    subject: port.name,
    verdict: 'warn',
    says: 'does not transmit XDP frames: the kernel sends what leaves by it',
    mend: `use an interface whose driver has ndo_xdp_xmit, or see that ${port.name} has as many transmit queues as CPUs`,
  };
}
