/** The operator's rules, and what they do to the fast path. */
import type { MetricDefinition } from './definition.ts';

export const firewallMetrics = {
  firewallClaims: {
    name: 'headrace_firewall_claims',
    type: 'gauge',
    labels: ['interface', 'direction', 'cause', 'action'],
    help: 'Always 1. Rules the fast path would skip for packets that arrive by (in) or leave by (out) an interface, by cause: nftables, iptables, nat, traffic_control, rule, vrf, ipsec, unknown. The action is kernel (it handles them) or bypass (they are skipped, as configured).',
  },
} as const satisfies Record<string, MetricDefinition>;
