/** Can each interface run a program in its driver, and does it? */
import { type Check, ok, type Result, unknown } from '../check.ts';
import type { Facts, InterfaceFacts } from '../facts.ts';

export const xdpMode: Check = {
  name: 'xdp-mode',
  why: 'In its driver a program meets a packet before the kernel allocates anything for it. In generic mode it runs after that, and forwards no faster than the kernel.',
  examine(facts) {
    return facts.interfaces.map((port) => examinePort(port, facts));
  },
};

function examinePort(port: InterfaceFacts, facts: Facts): Result {
  const by = port.driver === null ? '' : ` (driver ${port.driver})`;
  if (port.xdp?.mode === 'generic')
    return {
      subject: port.name,
      verdict: 'warn',
      says: `runs a program in generic mode${by}`,
      mend: `use an interface whose driver has native XDP, or leave ${port.name} out of dataplane.interfaces`,
    };
  if (port.xdp) return ok(port.name, `runs a program in the driver${by}`);
  if (port.xdpFeatures === null)
    return unknown(port.name, `no program; the kernel does not tell what the driver can do${by}`);
  if (port.xdpFeatures.basic) return ok(port.name, `the driver runs programs${by}`);
  return {
    subject: port.name,
    verdict: facts.allowGeneric ? 'warn' : 'fail',
    says: `the driver has no native XDP with the present settings${by}${facts.allowGeneric ? '; generic mode is allowed' : ''}`,
    mend: `leave ${port.name} out of dataplane.interfaces, or set dataplane.allow_generic: true`,
  };
}
