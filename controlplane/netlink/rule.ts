/** Policy rules (struct fib_rule_hdr): which table is asked for which packets, in the order of priority. */
import { AttributeTable, AttributeWriter, littleEndian } from './attributes.ts';
import * as c from './constants.ts';
import type { IpPrefix } from './ip-address.ts';

type Range = readonly [first: number, last: number];

export interface Rule {
  readonly family: 4 | 6;
  readonly priority: number;
  readonly action: keyof typeof c.ruleActions | 'unknown';
  /** Table asked, when the action is `table`. */
  readonly table: number;
  readonly goto: number | undefined;
  readonly inverted: boolean;
  readonly from: IpPrefix | undefined;
  readonly to: IpPrefix | undefined;
  readonly tos: number;
  readonly inputInterface: string | undefined;
  readonly outputInterface: string | undefined;
  readonly mark: number | undefined;
  readonly markMask: number | undefined;
  /** The table of the packet's VRF is asked. */
  readonly l3mdev: boolean;
  readonly ipProtocol: number | undefined;
  readonly sourcePorts: Range | undefined;
  readonly destinationPorts: Range | undefined;
  readonly users: Range | undefined;
  readonly tunnelId: bigint | undefined;
  /** Results with a prefix of this length or shorter are ignored; undefined: none are. */
  readonly suppressPrefixLength: number | undefined;
  /** RTPROT_* of who made it. */
  readonly protocol: number | undefined;
  /** It has conditions of kernels newer than Linux 6.18, which are not read. */
  readonly unknownConditions: boolean;
}

const RULE_SIZE = 12;
const NOT_SUPPRESSED = 0xffffffff;
const attributes = new AttributeTable();
const actionNames = new Map(
  Object.entries(c.ruleActions).map(([name, value]) => [value as number, name as keyof typeof c.ruleActions]),
);

/** Body of RTM_GETRULE. */
export function encodeRuleQuery(family: 4 | 6): AttributeWriter {
  return new AttributeWriter().header(RULE_SIZE, (view, at) =>
    view.setUint8(at, family === 4 ? c.AF_INET : c.AF_INET6),
  );
}

/** Undefined for rules of other families than IP (multicast routing has its own). */
export function readRule(view: DataView, start: number, end: number): Rule | undefined {
  if (end - start < RULE_SIZE) return undefined;
  const family = view.getUint8(start);
  if (family !== c.AF_INET && family !== c.AF_INET6) return undefined;
  const a = attributes.parse(view, start + RULE_SIZE, end);
  const prefix = (type: number, prefixLength: number): IpPrefix | undefined => {
    const bytes = a.bytes(type);
    return bytes && { family: family === c.AF_INET ? 4 : 6, bytes, prefixLength };
  };
  const range = (type: number, width: 2 | 4): Range | undefined => {
    const at = a.offset(type);
    if (at < 0 || a.length(type) < width * 2) return undefined;
    return width === 2
      ? [view.getUint16(at, littleEndian), view.getUint16(at + 2, littleEndian)]
      : [view.getUint32(at, littleEndian), view.getUint32(at + 4, littleEndian)];
  };
  const suppress = a.u32(c.FRA_SUPPRESS_PREFIXLEN);
  const tunnel = a.offset(c.FRA_TUN_ID);
  return {
    family: family === c.AF_INET ? 4 : 6,
    priority: a.u32(c.FRA_PRIORITY) ?? 0,
    action: actionNames.get(view.getUint8(start + 7)) ?? 'unknown',
    table: a.u32(c.FRA_TABLE) ?? view.getUint8(start + 4),
    goto: a.u32(c.FRA_GOTO),
    inverted: (view.getUint32(start + 8, littleEndian) & c.FIB_RULE_INVERT) !== 0,
    from: prefix(c.FRA_SRC, view.getUint8(start + 2)),
    to: prefix(c.FRA_DST, view.getUint8(start + 1)),
    tos: view.getUint8(start + 3),
    inputInterface: a.string(c.FRA_IIFNAME),
    outputInterface: a.string(c.FRA_OIFNAME),
    mark: a.u32(c.FRA_FWMARK),
    markMask: a.u32(c.FRA_FWMASK),
    l3mdev: a.u8(c.FRA_L3MDEV) === 1,
    ipProtocol: a.u8(c.FRA_IP_PROTO),
    sourcePorts: range(c.FRA_SPORT_RANGE, 2),
    destinationPorts: range(c.FRA_DPORT_RANGE, 2),
    users: range(c.FRA_UID_RANGE, 4),
    tunnelId: tunnel < 0 ? undefined : view.getBigUint64(tunnel, false),
    suppressPrefixLength: suppress === NOT_SUPPRESSED ? undefined : suppress,
    protocol: a.u8(c.FRA_PROTOCOL),
    unknownConditions: a.hasAbove(c.FRA_DSCP_MASK),
  };
}
