/**
 * Numbers of the netlink protocols, from the kernel's user headers. Each group names its header; the kernel never
 * renumbers them, so they are written down once here rather than taken from whatever headers a build machine has.
 */

/** linux/socket.h, asm-generic/socket.h */
export const AF_INET = 2;
export const AF_BRIDGE = 7;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_RCVBUF = 8;
export const SO_RCVBUFFORCE = 33;
export const SOL_NETLINK = 270;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;

/** linux/netlink.h */
export const NETLINK_ROUTE = 0;
export const NETLINK_GENERIC = 16;
export const NETLINK_ADD_MEMBERSHIP = 1;
export const NETLINK_EXT_ACK = 11;
export const NETLINK_GET_STRICT_CHK = 12;
export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;
export const NLM_F_REQUEST = 0x01;
export const NLM_F_MULTI = 0x02;
export const NLM_F_ACK = 0x04;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;
export const NLMSGERR_ATTR_MSG = 1;
export const NLA_F_NESTED = 0x8000;
export const NLA_TYPE_MASK = 0x3fff;

/** linux/rtnetlink.h: message types */
export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;
export const RTM_NEWNEIGH = 28;
export const RTM_DELNEIGH = 29;
export const RTM_GETNEIGH = 30;
export const RTM_NEWRULE = 32;
export const RTM_DELRULE = 33;
export const RTM_GETRULE = 34;
export const RTM_NEWNEIGHTBL = 64;
export const RTM_GETNEIGHTBL = 66;
export const RTM_SETNEIGHTBL = 67;
export const RTM_NEWNETCONF = 80;
export const RTM_DELNETCONF = 81;
export const RTM_GETNETCONF = 82;
export const RTM_NEWNEXTHOP = 104;
export const RTM_DELNEXTHOP = 105;
export const RTM_GETNEXTHOP = 106;

/** linux/rtnetlink.h: enum rtnetlink_groups */
export const multicastGroups = {
  link: 1,
  neighbor: 3,
  address4: 5,
  route4: 7,
  rule4: 8,
  address6: 9,
  route6: 11,
  rule6: 19,
  netconf4: 24,
  netconf6: 25,
  nexthop: 32,
} as const;

/** linux/if_link.h, linux/if.h */
export const IFLA_ADDRESS = 1;
export const IFLA_IFNAME = 3;
export const IFLA_MTU = 4;
export const IFLA_LINK = 5;
export const IFLA_MASTER = 10;
export const IFLA_OPERSTATE = 16;
export const IFLA_LINKINFO = 18;
export const IFLA_EXT_MASK = 29;
export const IFLA_PROMISCUITY = 30;
export const IFLA_NUM_TX_QUEUES = 31;
export const IFLA_NUM_RX_QUEUES = 32;
export const IFLA_CARRIER = 33;
export const IFLA_LINK_NETNSID = 37;
export const IFLA_XDP = 43;
export const IFLA_PERM_ADDRESS = 54;
export const IFLA_INFO_KIND = 1;
export const IFLA_INFO_DATA = 2;
export const IFLA_INFO_SLAVE_KIND = 4;
export const IFLA_INFO_SLAVE_DATA = 5;
export const IFLA_VLAN_ID = 1;
export const IFLA_VLAN_EGRESS_QOS = 3;
export const IFLA_VLAN_PROTOCOL = 5;
export const IFLA_MACVLAN_MODE = 1;
export const IFLA_BOND_MODE = 1;
export const IFLA_BOND_XMIT_HASH_POLICY = 14;
export const IFLA_BOND_SLAVE_STATE = 1;
export const IFLA_VRF_TABLE = 1;
export const IFLA_XDP_ATTACHED = 2;
export const IFLA_XDP_PROG_ID = 4;
export const RTEXT_FILTER_SKIP_STATS = 1 << 3;
export const IFF_UP = 0x1;
export const IFF_LOOPBACK = 0x8;
export const IFF_POINTOPOINT = 0x10;
export const IFF_RUNNING = 0x40;
export const IFF_NOARP = 0x80;
export const IFF_LOWER_UP = 0x10000;

/** linux/if_addr.h */
export const IFA_ADDRESS = 1;
export const IFA_LOCAL = 2;
export const IFA_LABEL = 3;
export const IFA_BROADCAST = 4;
export const IFA_FLAGS = 8;
export const IFA_F_SECONDARY = 0x01;
export const IFA_F_DADFAILED = 0x08;
export const IFA_F_DEPRECATED = 0x20;
export const IFA_F_TENTATIVE = 0x40;
export const IFA_F_PERMANENT = 0x80;

/** linux/neighbour.h */
export const NDA_DST = 1;
export const NDA_LLADDR = 2;
export const NDA_VLAN = 5;
export const NDA_IFINDEX = 8;
export const NDA_PROTOCOL = 12;
export const NDA_FLAGS_EXT = 15;
export const NTF_USE = 1 << 0;
export const NTF_PROXY = 1 << 3;
export const NTF_EXT_LEARNED = 1 << 4;
export const NTF_ROUTER = 1 << 7;
export const NTF_EXT_MANAGED = 1 << 0;
export const NDTA_NAME = 1;
export const NDTA_PARMS = 6;
export const NDTPA_IFINDEX = 1;
export const NDTPA_BASE_REACHABLE_TIME = 4;
export const NDTPA_RETRANS_TIME = 5;
export const NDTPA_GC_STALETIME = 6;
export const NDTPA_DELAY_PROBE_TIME = 7;
export const NDTPA_UCAST_PROBES = 10;
export const NDTPA_MCAST_PROBES = 11;
export const NDTPA_INTERVAL_PROBE_TIME_MS = 19;

/** linux/neighbour.h: NUD_*, by the names iproute2 gives them in lower case */
export const neighborStates = {
  none: 0x00,
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noarp: 0x40,
  permanent: 0x80,
} as const;
/** include/net/neighbour.h: NUD_VALID, the states in which the MAC may be used */
export const NUD_VALID = 0xde;

/** linux/rtnetlink.h: routes */
export const RTA_DST = 1;
export const RTA_SRC = 2;
export const RTA_IIF = 3;
export const RTA_OIF = 4;
export const RTA_GATEWAY = 5;
export const RTA_PRIORITY = 6;
export const RTA_PREFSRC = 7;
export const RTA_METRICS = 8;
export const RTA_MULTIPATH = 9;
export const RTA_CACHEINFO = 12;
export const RTA_TABLE = 15;
export const RTA_MARK = 16;
export const RTA_VIA = 18;
export const RTA_NEWDST = 19;
export const RTA_ENCAP_TYPE = 21;
export const RTA_ENCAP = 22;
export const RTA_IP_PROTO = 27;
export const RTA_SPORT = 28;
export const RTA_DPORT = 29;
export const RTA_NH_ID = 30;
export const RTAX_LOCK = 1;
export const RTAX_MTU = 2;
export const RTM_F_CLONED = 0x200;
export const RTM_F_LOOKUP_TABLE = 0x1000;
export const RTM_F_FIB_MATCH = 0x2000;
export const RTNH_F_DEAD = 1;
export const RTNH_F_ONLINK = 4;
export const RTNH_F_LINKDOWN = 16;
export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;

/** linux/rtnetlink.h: RTN_* */
export const routeTypes = {
  unspec: 0,
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
} as const;

/** linux/rtnetlink.h: RTPROT_STATIC */
export const RTPROT_STATIC = 4;
/** Names of route protocols that have one (linux/rtnetlink.h, /etc/iproute2/rt_protos). */
export const routeProtocols: ReadonlyMap<number, string> = new Map([
  [1, 'redirect'],
  [2, 'kernel'],
  [3, 'boot'],
  [4, 'static'],
  [9, 'ra'],
  [11, 'zebra'],
  [12, 'bird'],
  [16, 'dhcp'],
  [186, 'bgp'],
  [187, 'isis'],
  [188, 'ospf'],
  [189, 'rip'],
  [196, 'static-frr'],
]);

/** linux/nexthop.h */
export const NHA_ID = 1;
export const NHA_GROUP = 2;
export const NHA_GROUP_TYPE = 3;
export const NHA_BLACKHOLE = 4;
export const NHA_OIF = 5;
export const NHA_GATEWAY = 6;
export const NHA_ENCAP_TYPE = 7;
export const NHA_FDB = 11;

/** linux/fib_rules.h */
export const FRA_DST = 1;
export const FRA_SRC = 2;
export const FRA_IIFNAME = 3;
export const FRA_GOTO = 4;
export const FRA_PRIORITY = 6;
export const FRA_FWMARK = 10;
export const FRA_TUN_ID = 12;
export const FRA_SUPPRESS_IFGROUP = 13;
export const FRA_SUPPRESS_PREFIXLEN = 14;
export const FRA_TABLE = 15;
export const FRA_FWMASK = 16;
export const FRA_OIFNAME = 17;
export const FRA_L3MDEV = 19;
export const FRA_UID_RANGE = 20;
export const FRA_PROTOCOL = 21;
export const FRA_IP_PROTO = 22;
export const FRA_SPORT_RANGE = 23;
export const FRA_DPORT_RANGE = 24;
export const FRA_DSCP_MASK = 30;
export const FIB_RULE_INVERT = 2;
export const ruleActions = { table: 1, goto: 2, nop: 3, blackhole: 6, unreachable: 7, prohibit: 8 } as const;

/** linux/netconf.h */
export const NETCONFA_IFINDEX = 1;
export const NETCONFA_FORWARDING = 2;
export const NETCONFA_RP_FILTER = 3;
export const NETCONFA_PROXY_NEIGH = 5;
export const NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN = 6;

/** linux/genetlink.h */
export const GENL_ID_CTRL = 16;
export const CTRL_CMD_GETFAMILY = 3;
export const CTRL_ATTR_FAMILY_ID = 1;
export const CTRL_ATTR_FAMILY_NAME = 2;
export const CTRL_ATTR_MCAST_GROUPS = 7;
export const CTRL_ATTR_MCAST_GRP_NAME = 1;
export const CTRL_ATTR_MCAST_GRP_ID = 2;

/** linux/netdev.h (kernel 6.3 and later) */
export const NETDEV_CMD_DEV_GET = 1;
export const NETDEV_CMD_DEV_ADD_NTF = 2;
export const NETDEV_CMD_DEV_DEL_NTF = 3;
export const NETDEV_CMD_DEV_CHANGE_NTF = 4;
export const NETDEV_A_DEV_IFINDEX = 1;
export const NETDEV_A_DEV_XDP_FEATURES = 3;
export const NETDEV_A_DEV_XDP_ZC_MAX_SEGS = 4;
/** enum netdev_xdp_act */
export const xdpActs = {
  basic: 1,
  redirect: 2,
  ndoXmit: 4,
  xskZerocopy: 8,
  hwOffload: 16,
  rxSg: 32,
  ndoXmitSg: 64,
} as const;
