/** Constants of the kernel's netlink interface, from linux/netlink.h, rtnetlink.h, if_link.h, neighbour.h, netdev.h. */
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const NETLINK_ROUTE = 0;
export const NETLINK_GENERIC = 16;

/** Message flags. */
export const flag = {
  REQUEST: 0x1,
  MULTI: 0x2,
  ACK: 0x4,
  DUMP_INTR: 0x10,
  DUMP: 0x300,
  REPLACE: 0x100,
  CREATE: 0x400,
} as const;

/** Message types every family has. */
export const control = { ERROR: 2, DONE: 3 } as const;

/** rtnetlink message types. */
export const rtm = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
  NEWNETCONF: 80,
} as const;

/** rtnetlink multicast groups, as numbers for NETLINK_ADD_MEMBERSHIP. */
export const group = {
  LINK: 1,
  NEIGH: 3,
  IPV4_IFADDR: 5,
  IPV4_ROUTE: 7,
  IPV6_IFADDR: 9,
  IPV6_ROUTE: 11,
  IPV4_NETCONF: 24,
} as const;

/** Interface flags. */
export const iff = { UP: 0x1, LOOPBACK: 0x8, RUNNING: 0x40 } as const;

/** Names of neighbor states by bit (NUD_…). */
export const neighborStates: ReadonlyMap<number, string> = new Map([
  [0x00, 'none'],
  [0x01, 'incomplete'],
  [0x02, 'reachable'],
  [0x04, 'stale'],
  [0x08, 'delay'],
  [0x10, 'probe'],
  [0x20, 'failed'],
  [0x40, 'noarp'],
  [0x80, 'permanent'],
]);

/** Names of route protocols that have one (rtnetlink.h, /etc/iproute2/rt_protos). */
export const routeProtocols: ReadonlyMap<number, string> = new Map([
  [2, 'kernel'],
  [3, 'boot'],
  [4, 'static'],
  [9, 'ra'],
  [12, 'bird'],
  [16, 'dhcp'],
  [186, 'bgp'],
  [187, 'isis'],
  [188, 'ospf'],
  [189, 'rip'],
  [196, 'static-frr'],
]);
