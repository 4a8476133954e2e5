/** Next-hop objects and groups (struct nhmsg, kernel 5.3): routes may point to one by number (RTA_NH_ID). */
import { AttributeTable, AttributeWriter, littleEndian } from './attributes.ts';
import * as c from './constants.ts';

export interface Nexthop {
  readonly id: number;
  /** Undefined for groups. */
  readonly family: 4 | 6 | undefined;
  readonly scope: number;
  /** RTPROT_* of who installed it. */
  readonly protocol: number;
  /** RTNH_F_* bits. */
  readonly flags: number;
  readonly ifindex: number | undefined;
  readonly gateway: Uint8Array | undefined;
  readonly blackhole: boolean;
  /** Of a bridge's forwarding database, not of routes. */
  readonly fdb: boolean;
  /** LWTUNNEL_ENCAP_*: its packets are encapsulated. */
  readonly encapType: number | undefined;
  /** Members of a group, undefined for a single next hop. */
  readonly group: readonly { readonly id: number; readonly weight: number }[] | undefined;
  readonly groupType: 'hash' | 'resilient' | undefined;
}

const NHMSG_SIZE = 8;
const attributes = new AttributeTable();

/** Body of RTM_GETNEXTHOP: of all objects, or of one. */
export function encodeNexthopQuery(id?: number): AttributeWriter {
  const writer = new AttributeWriter().header(NHMSG_SIZE);
  return id === undefined ? writer : writer.u32(c.NHA_ID, id);
}

export function readNexthop(view: DataView, start: number, end: number): Nexthop | undefined {
  if (end - start < NHMSG_SIZE) return undefined;
  const a = attributes.parse(view, start + NHMSG_SIZE, end);
  const id = a.u32(c.NHA_ID);
  if (id === undefined) return undefined;
  const family = view.getUint8(start);
  const group = readGroup(view, a);
  return {
    id,
    family: family === c.AF_INET ? 4 : family === c.AF_INET6 ? 6 : undefined,
    scope: view.getUint8(start + 1),
    protocol: view.getUint8(start + 2),
    flags: view.getUint32(start + 4, littleEndian),
    ifindex: a.u32(c.NHA_OIF),
    gateway: a.bytes(c.NHA_GATEWAY),
    blackhole: a.has(c.NHA_BLACKHOLE),
    fdb: a.has(c.NHA_FDB),
    encapType: a.u16(c.NHA_ENCAP_TYPE),
    group,
    groupType: group && (a.u16(c.NHA_GROUP_TYPE) === 1 ? 'resilient' : 'hash'),
  };
}

/** Array of struct nexthop_grp: id u32, weight - 1 in u8 and, since 6.12, another u8 of high bits. */
function readGroup(view: DataView, a: AttributeTable): Nexthop['group'] {
  const offset = a.offset(c.NHA_GROUP);
  if (offset < 0) return undefined;
  const members = [];
  for (let at = offset; at + 8 <= offset + a.length(c.NHA_GROUP); at += 8) {
    const weight = (view.getUint8(at + 5) << 8) + view.getUint8(at + 4) + 1;
    members.push({ id: view.getUint32(at, littleEndian), weight });
  }
  return members;
}
