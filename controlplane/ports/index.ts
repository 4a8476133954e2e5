/** Which interfaces are ports of the packet path, and what each is to it. */
export { EgressProbe } from './egress-probe.ts';
export { matchesGlob } from './glob.ts';
export type { PortDecision, PortPolicy } from './policy.ts';
export type { PortState } from './port-state.ts';
export { Ports, type PortsOptions, refusedInterfaces } from './ports.ts';
export type { Operation } from './reconcile.ts';
export { forwardsIpv4 } from './sysctls.ts';
