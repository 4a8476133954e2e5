/** rtnetlink and the netdev family: what the kernel says of links, addresses, neighbors and routes, asked and followed. */
export { group, NETLINK_GENERIC, NETLINK_ROUTE, routeProtocols, rtm } from './constants.ts';
export { formatIp, formatMac, type IpAddress, parseIp } from './ip-address.ts';
export { type Message, NetlinkError } from './message.ts';
export { type MonitorOptions, NetlinkMonitor } from './monitor.ts';
export { Netdev, type XdpFeatures } from './netdev.ts';
export { type Address, type Link, type Neighbor, type Route, readAddress, readLink, readNeighbor } from './records.ts';
export { RouteNetlink } from './route-netlink.ts';
