/** The public face of the netlink layer. */
export type { Address } from './address.ts';
export * as netlinkConstants from './constants.ts';
export { routeProtocols } from './constants.ts';
export * from './ip-address.ts';
export type { Link, Operstate } from './link.ts';
export { MulticastSocket, multicastTotals } from './multicast-socket.ts';
export type { Neighbor, NeighborChange, NeighborState, NeighborTable, NeighborTimers } from './neighbor.ts';
export type { Netconf } from './netconf.ts';
export { Netdev, type NetdevFollowerOptions, type XdpFeatures } from './netdev.ts';
export { NetlinkError } from './netlink-error.ts';
export type { Nexthop } from './nexthop.ts';
export { RequestSocket } from './request-socket.ts';
export { type MonitorGroup, type NetlinkAction, type NetlinkEvent, RouteMonitor } from './route-monitor.ts';
export { type RouteAnswer, RouteNetlink } from './route-netlink.ts';
export type { RouteChange, RouteFilter, RouteLookup } from './route-query.ts';
export { type Route, type RouteHop, RouteView } from './route-view.ts';
export type { Rule } from './rule.ts';
export { addressKey, neighborKey, netconfKey, StateMirror, type StateMirrorOptions } from './state-mirror.ts';
