/**
 * What lies on what: VLAN interfaces on ports, ports in bonds and bridges, and what that means for the packet path.
 *
 * XDP sees a frame before the kernel has given it to the bridge, bond or VLAN interface it is for. So every interface
 * has a place: a port of its own, a VLAN interface that a port's frames are sorted out to, a member whose frames are
 * its bond's; or it is the kernel's, with a reason that an operator can read. In doubt it is the kernel's.
 *
 * Pure functions over what one dump of links says. Interfaces in other network namespaces are not in it: a lower
 * interface there, or a macvlan or ipvlan that was moved there, cannot be seen from here.
 */
import type { Link } from '../netlink/index.ts';

/** One VLAN tag: its protocol (0x8100, 0x88a8) and identifier. */
export interface Tag {
  readonly protocol: number;
  readonly vid: number;
}

/** A VLAN interface's way down. */
export interface VlanPath {
  /** The interface that is none, whose frames bear the tags. */
  readonly base: Link;
  /** As frames bear them: the outer one first. */
  readonly tags: readonly Tag[];
  /** The interface itself and all VLAN interfaces below it are up. */
  readonly up: boolean;
}

/** As many tags as the packet path looks at. */
const tagsMax = 2;

/** Bond modes whose driver runs XDP (bond_xdp_check): round-robin, active-backup, XOR and 802.3ad. */
const xdpBondModes: ReadonlySet<number> = new Set([0, 1, 2, 4]);
const bondModeNames = [
  'balance-rr',
  'active-backup',
  'balance-xor',
  'broadcast',
  '802.3ad',
  'balance-tlb',
  'balance-alb',
];
/** BOND_XMIT_POLICY_VLAN_SRCMAC: the driver cannot tell it from an XDP frame. */
const vlanSourceMac = 5;
/** MACVLAN_MODE_PASSTHRU: the upper interface takes all frames of the lower one. */
const passthru = 8;

export class Stack {
  readonly #links: ReadonlyMap<number, Link>;
  /** Kinds that take frames of the interface below by rule of their own, by its ifindex. */
  readonly #takers = new Map<number, Link>();
  /** Base interfaces that VLAN interfaces lie on. */
  readonly #tagged = new Set<number>();

  constructor(links: readonly Link[]) {
    this.#links = new Map(links.map((link) => [link.index, link]));
    for (const link of links) {
      if (link.linkIndex === undefined || link.linkNetnsId !== undefined) continue;
      if (link.kind === 'ipvlan' || link.kind === 'ipvtap' || link.macvlanMode === passthru)
        this.#takers.set(link.linkIndex, link);
      const path = this.vlanPath(link);
      if (typeof path === 'object') this.#tagged.add(path.base.index);
    }
  }

  link(ifindex: number): Link | undefined {
    return this.#links.get(ifindex);
  }

  /** Does any VLAN interface lie on this one? */
  carriesVlans(ifindex: number): boolean {
    return this.#tagged.has(ifindex);
  }

  /** The way down of a VLAN interface; undefined for others; a text for one that the packet path cannot do. */
  vlanPath(link: Link): VlanPath | string | undefined {
    if (!link.vlan) return undefined;
    const tags: Tag[] = [];
    let up = true;
    let at = link;
    while (at.vlan) {
      if (tags.length === tagsMax) return `its frames have more than ${tagsMax} VLAN tags`;
      tags.unshift({ protocol: at.vlan.protocol, vid: at.vlan.id });
      up &&= at.up;
      const below = at.linkNetnsId === undefined ? this.#links.get(at.linkIndex ?? 0) : undefined;
      if (!below) return 'the interface below it is in another network namespace';
      at = below;
    }
    return { base: at, tags, up };
  }

  /** The bond that takes this interface's frames, if one does. */
  bondOf(link: Link): Link | undefined {
    const master = this.#links.get(link.master ?? 0);
    return master?.kind === 'bond' ? master : undefined;
  }

  members(bond: Link): Link[] {
    return [...this.#links.values()].filter((link) => link.master === bond.index);
  }

  /** Why all frames of an interface that is no VLAN interface are the kernel's; undefined when they are not. */
  kernels(link: Link): string | undefined {
    const taker = this.#takers.get(link.index);
    if (taker)
      return `${taker.name} (${taker.kind}) lies on it and takes frames that look like its own; to have ${link.name} forward in XDP, move ${taker.name} to another interface`;
    const kind = this.#links.get(link.master ?? 0)?.kind ?? link.masterKind;
    if (link.master === undefined || kind === 'vrf') return undefined;
    const master = this.#links.get(link.master)?.name ?? `interface ${link.master}`;
    if (kind === 'bond')
      return `it is a member of ${master}, whose frames these are: name ${master} in dataplane.interfaces`;
    return `it is a port of ${master} (${kind ?? 'unknown kind'}), which takes all its frames`;
  }

  /** Why no program can be attached to the interface itself, whatever its driver says; undefined when one can. */
  unattachable(link: Link): string | undefined {
    switch (link.kind) {
      case 'bridge':
        return 'a bridge has no XDP of its own, and what its ports bring in is switched before it is routed';
      case 'team':
        return 'the team driver runs no XDP: a bond does';
      case 'bond': {
        const { mode, hashPolicy } = link.bond ?? { mode: 0, hashPolicy: 0 };
        if (!xdpBondModes.has(mode))
          return `bonds run XDP in the modes balance-rr, active-backup, balance-xor and 802.3ad, and this one is in ${bondModeNames[mode] ?? `mode ${mode}`}`;
        if ((mode === 2 || mode === 4) && hashPolicy === vlanSourceMac)
          return 'bonds run no XDP under the transmit hash policy vlan+srcmac';
        return undefined;
      }
      default:
        return undefined;
    }
  }
}
