/**
 * Network interfaces (struct ifinfomsg). Statistics are left out: they make a dump several times as large.
 */
import { AttributeTable, AttributeWriter, littleEndian } from './attributes.ts';
import * as c from './constants.ts';

/** RFC 2863 states, by the kernel's numbers. */
const operstates = ['unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up'] as const;
export type Operstate = (typeof operstates)[number];

const xdpModes = [undefined, 'native', 'generic', 'offload', 'several'] as const;

export interface Link {
  readonly index: number;
  readonly name: string;
  /** Link-layer address; empty for interfaces that have none. */
  readonly mac: Uint8Array;
  readonly permanentMac: Uint8Array | undefined;
  /** Bytes. */
  readonly mtu: number;
  /** IFF_* bits. */
  readonly flags: number;
  /** Administratively up (IFF_UP). */
  readonly up: boolean;
  /** Operationally up (IFF_RUNNING). */
  readonly running: boolean;
  readonly loopback: boolean;
  /** ARPHRD_*: 1 is Ethernet. */
  readonly type: number;
  readonly operstate: Operstate;
  readonly carrier: boolean | undefined;
  /** `veth`, `vlan`, `bridge`, `bond`, `vrf`, …; undefined for plain devices. */
  readonly kind: string | undefined;
  /** What it is to its master: `bridge`, `bond`, `vrf`. */
  readonly masterKind: string | undefined;
  /** ifindex of the bridge, bond or VRF it belongs to. */
  readonly master: number | undefined;
  /** ifindex of the lower device (vlan) or of the peer (veth). In another namespace when linkNetnsId is set. */
  readonly linkIndex: number | undefined;
  readonly linkNetnsId: number | undefined;
  readonly vlan:
    | {
        readonly id: number;
        /** 0x8100 (802.1Q) or 0x88a8 (802.1ad). */
        readonly protocol: number;
        /** What leaves by it gets a priority from a map of its own. */
        readonly egressPriorities?: boolean;
      }
    | undefined;
  /** MACVLAN_MODE_* of a macvlan or macvtap. */
  readonly macvlanMode?: number | undefined;
  /** BOND_MODE_* and BOND_XMIT_POLICY_* of a bond. */
  readonly bond?: { readonly mode: number; readonly hashPolicy: number } | undefined;
  /** Member of a bond that the bond does not use now. */
  readonly bondBackup?: boolean;
  /** Routing table of a VRF device. */
  readonly vrfTable: number | undefined;
  /** What is attached; `programId` is absent in mode `several`. */
  readonly xdp: { readonly mode: 'native' | 'generic' | 'offload' | 'several'; readonly programId: number } | undefined;
  readonly txQueues: number | undefined;
  readonly rxQueues: number | undefined;
  readonly promiscuity: number;
}

const IFINFO_SIZE = 16;
const attributes = new AttributeTable();
const info = new AttributeTable();
const nest = new AttributeTable();

/** Body of RTM_GETLINK: of all interfaces, or of one. */
export function encodeLinkQuery(ifindex = 0): AttributeWriter {
  return new AttributeWriter()
    .header(IFINFO_SIZE, (view, at) => view.setInt32(at + 4, ifindex, littleEndian))
    .u32(c.IFLA_EXT_MASK, c.RTEXT_FILTER_SKIP_STATS);
}

/**
 * Reads a link message. Undefined for what only looks like one: bridges announce their *ports* as links of family
 * AF_BRIDGE (a port leaving its bridge as RTM_DELLINK!), wireless drivers send links with nothing but an event.
 */
export function readLink(view: DataView, start: number, end: number): Link | undefined {
  if (end - start < IFINFO_SIZE || view.getUint8(start) === c.AF_BRIDGE) return undefined;
  const a = attributes.parse(view, start + IFINFO_SIZE, end);
  const name = a.string(c.IFLA_IFNAME);
  if (name === undefined) return undefined;
  const flags = view.getUint32(start + 8, littleEndian);
  const details = a.nested(c.IFLA_LINKINFO, info);
  const kind = details?.string(c.IFLA_INFO_KIND);
  const masterKind = details?.string(c.IFLA_INFO_SLAVE_KIND);
  const data = details?.nested(c.IFLA_INFO_DATA, nest);
  const vlan =
    kind === 'vlan' && data
      ? {
          id: data.u16(c.IFLA_VLAN_ID) ?? 0,
          protocol: data.u16be(c.IFLA_VLAN_PROTOCOL) ?? 0x8100,
          egressPriorities: data.length(c.IFLA_VLAN_EGRESS_QOS) > 0,
        }
      : undefined;
  const macvlanMode = kind === 'macvlan' || kind === 'macvtap' ? data?.u32(c.IFLA_MACVLAN_MODE) : undefined;
  const bond =
    kind === 'bond' && data
      ? { mode: data.u8(c.IFLA_BOND_MODE) ?? 0, hashPolicy: data.u8(c.IFLA_BOND_XMIT_HASH_POLICY) ?? 0 }
      : undefined;
  const vrfTable = kind === 'vrf' ? data?.u32(c.IFLA_VRF_TABLE) : undefined;
  const member = masterKind === 'bond' ? details?.nested(c.IFLA_INFO_SLAVE_DATA, nest) : undefined;
  const bondBackup = member?.u8(c.IFLA_BOND_SLAVE_STATE) === 1;
  const carrier = a.u8(c.IFLA_CARRIER);
  const master = a.u32(c.IFLA_MASTER);
  const linkIndex = a.u32(c.IFLA_LINK);
  return {
    index: view.getInt32(start + 4, littleEndian),
    name,
    mac: a.bytes(c.IFLA_ADDRESS) ?? new Uint8Array(0),
    permanentMac: a.bytes(c.IFLA_PERM_ADDRESS),
    mtu: a.u32(c.IFLA_MTU) ?? 0,
    flags,
    up: (flags & c.IFF_UP) !== 0,
    running: (flags & c.IFF_RUNNING) !== 0,
    loopback: (flags & c.IFF_LOOPBACK) !== 0,
    type: view.getUint16(start + 2, littleEndian),
    operstate: operstates[a.u8(c.IFLA_OPERSTATE) ?? 0] ?? 'unknown',
    carrier: carrier === undefined ? undefined : carrier === 1,
    kind,
    masterKind,
    master: master || undefined,
    linkIndex: linkIndex || undefined,
    linkNetnsId: a.s32(c.IFLA_LINK_NETNSID),
    vlan,
    macvlanMode,
    bond,
    bondBackup,
    vrfTable,
    xdp: readXdp(a),
    txQueues: a.u32(c.IFLA_NUM_TX_QUEUES),
    rxQueues: a.u32(c.IFLA_NUM_RX_QUEUES),
    promiscuity: a.u32(c.IFLA_PROMISCUITY) ?? 0,
  };
}

function readXdp(link: AttributeTable): Link['xdp'] {
  const xdp = link.nested(c.IFLA_XDP, nest);
  const mode = xdpModes[xdp?.u8(c.IFLA_XDP_ATTACHED) ?? 0];
  return mode && { mode, programId: xdp?.u32(c.IFLA_XDP_PROG_ID) ?? 0 };
}
