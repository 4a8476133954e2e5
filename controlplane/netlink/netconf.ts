/** Sysctls the kernel announces (struct netconfmsg): forwarding, reverse-path filter and the like of an interface. */
import { AttributeTable, AttributeWriter } from './attributes.ts';
import * as c from './constants.ts';

export interface Netconf {
  readonly family: 4 | 6;
  /** ifindex; 'all' and 'default' are net.ipv4.conf.all and .default. */
  readonly ifindex: number | 'all' | 'default';
  readonly forwarding: boolean | undefined;
  /** 0 off, 1 strict, 2 loose; IPv4 only. */
  readonly rpFilter: number | undefined;
  readonly proxyNeighbor: boolean | undefined;
  readonly ignoreRoutesWithLinkDown: boolean | undefined;
}

const HEADER_SIZE = 4;
const attributes = new AttributeTable();

/** Body of RTM_GETNETCONF, a dump. */
export function encodeNetconfQuery(family: 4 | 6): AttributeWriter {
  return new AttributeWriter().header(HEADER_SIZE, (view, at) =>
    view.setUint8(at, family === 4 ? c.AF_INET : c.AF_INET6),
  );
}

/** A notification carries only what changed; the rest is undefined. */
export function readNetconf(view: DataView, start: number, end: number): Netconf | undefined {
  const family = view.getUint8(start);
  if (family !== c.AF_INET && family !== c.AF_INET6) return undefined;
  const a = attributes.parse(view, start + HEADER_SIZE, end);
  const index = a.s32(c.NETCONFA_IFINDEX);
  if (index === undefined) return undefined;
  const flag = (type: number): boolean | undefined => {
    const value = a.u32(type);
    return value === undefined ? undefined : value !== 0;
  };
  return {
    family: family === c.AF_INET ? 4 : 6,
    ifindex: index === -1 ? 'all' : index === -2 ? 'default' : index,
    forwarding: flag(c.NETCONFA_FORWARDING),
    rpFilter: a.u32(c.NETCONFA_RP_FILTER),
    proxyNeighbor: flag(c.NETCONFA_PROXY_NEIGH),
    ignoreRoutesWithLinkDown: flag(c.NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN),
  };
}
