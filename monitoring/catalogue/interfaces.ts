/** Interfaces of the box. */
import type { MetricDefinition } from './definition.ts';

export const interfacesMetrics = {
  interfaceInfo: {
    name: 'headrace_interface_info',
    type: 'gauge',
    labels: ['interface', 'driver', 'xdp_mode', 'bond', 'vlan_of'],
    help: 'Always 1. An interface that matches the configuration, and how it is attached: native, generic or none; the bond it is a member of, or the port that bears its VLAN tags.',
  },
  interfaceLeftToKernel: {
    name: 'headrace_interface_left_to_kernel',
    type: 'gauge',
    labels: ['interface'],
    help: '1 when all or some packets of an interface are left to the kernel because of what it is or lies on (headrace interfaces says why), 0 otherwise.',
  },
  interfaceTransmits: {
    name: 'headrace_interface_transmits',
    type: 'gauge',
    labels: ['interface'],
    help: '1 when the fast path may send out of this interface, 0 when the kernel does.',
  },
  links: {
    name: 'headrace_links',
    type: 'gauge',
    labels: ['state'],
    help: 'Network interfaces of the box, by state: up (with carrier), no_carrier, down.',
  },
} as const satisfies Record<string, MetricDefinition>;
