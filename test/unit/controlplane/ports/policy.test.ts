/** What a policy about ports takes from them: never what the balancer needs. */
import { expect, it } from 'vitest';
import { portFlag } from '../../../../controlplane/bpf/generated/headrace.ts';
import type { Link } from '../../../../controlplane/netlink/index.ts';
import { type DesiredPort, desiredAble, desiredEgress } from '../../../../controlplane/ports/desired.ts';
import { underPolicy } from '../../../../controlplane/ports/policy.ts';

const link = { index: 7, name: 'p0', mtu: 1500, mac: Uint8Array.of(2, 0, 0, 0, 0, 1) } as unknown as Link;
const flags = portFlag.ATTACHED | portFlag.TRANSMITS | portFlag.ABLE;
const port: DesiredPort = { link, flags, transmits: true, able: true, attach: 'yes', owner: link };

it('rules on the way out leave what is routed to the kernel, and nothing that is balanced', () => {
  const decision = { toKernel: new Set<number>(), notOut: new Set([7]), needsDaemon: false };
  const after = underPolicy(new Map([[7, port]]), [link], () => decision);
  expect([...desiredEgress(after)]).toEqual([]);
  expect([...desiredAble(after)]).toEqual([7]);
  expect(after.get(7)!.flags).toBe(portFlag.ATTACHED | portFlag.ABLE);
});
