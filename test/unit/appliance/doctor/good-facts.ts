/** A server with a card of four queues, everything set as the guides say. */
import type { DaemonFacts, Facts, InterfaceFacts } from '../../../../appliance/doctor/facts.ts';

export const goodPort: InterfaceFacts = {
  name: 'eth0',
  ifindex: 2,
  kind: null,
  driver: 'ice',
  mtu: 1500,
  up: true,
  running: true,
  xdp: { mode: 'native', programId: 7 },
  xdpFeatures: { basic: true, ndoXmit: true, ndoXmitSg: true },
  channels: { receive: 4, transmit: 4, receiveMax: 16, transmitMax: 16, combined: true },
  rings: { receive: 2048, receiveMax: 8160, transmit: 2048, transmitMax: 8160 },
  offloads: { 'rx-lro': false, 'rx-gro-hw': false, 'rx-vlan-hw-parse': false, 'rx-gro': true },
  rpsMasks: ['0', '0', '0', '0'],
  interrupts: [0, 1, 2, 3].map((cpu) => ({ number: 30 + cpu, cpus: [cpu] })),
};

export const daemonFacts: DaemonFacts = {
  pid: 812,
  healthy: true,
  problems: [],
  user: 990,
  memoryLimitBytes: 2 ** 30,
  memoryUsedBytes: 2 ** 27,
};

export const goodFacts: Facts = {
  kernel: { release: '6.12.48+deb13-amd64', btf: true },
  cpus: [0, 1, 2, 3],
  sysctls: {
    'kernel.unprivileged_bpf_disabled': '2',
    'net.core.bpf_jit_enable': '1',
    'net.core.bpf_jit_harden': '0',
    'net.ipv4.conf.eth0.ignore_routes_with_linkdown': '1',
    'net.ipv4.conf.eth1.ignore_routes_with_linkdown': '1',
    'net.ipv4.conf.all.rp_filter': '0',
    'net.ipv4.conf.eth0.rp_filter': '0',
    'net.ipv4.conf.eth1.rp_filter': '0',
    'net.ipv4.fib_multipath_hash_policy': '1',
    'net.ipv4.ip_forward': '1',
    'net.ipv4.ip_forward_use_pmtu': '1',
    'net.ipv4.neigh.default.gc_thresh3': '16384',
    'net.ipv6.conf.all.forwarding': '1',
    'net.ipv6.conf.eth0.ignore_routes_with_linkdown': '1',
    'net.ipv6.conf.eth1.ignore_routes_with_linkdown': '1',
    'net.ipv6.fib_multipath_hash_policy': '1',
    'net.ipv6.neigh.default.gc_thresh3': '16384',
  },
  governors: ['performance'],
  vulnerabilities: { spectre_v2: 'Mitigation: Enhanced IBRS', retbleed: 'Not affected' },
  clocksource: 'tsc',
  memory: { totalBytes: 2 ** 34, availableBytes: 2 ** 33 },
  irqbalance: false,
  neighbors: { ipv4: 40, ipv6: 30 },
  routes: { ipv4: 200, ipv6: 100 },
  bpffs: { path: '/run/headrace/bpf', mode: 0o700, owner: 990 },
  daemon: daemonFacts,
  ownPrograms: [7],
  allowGeneric: false,
  interfaces: [goodPort],
};
