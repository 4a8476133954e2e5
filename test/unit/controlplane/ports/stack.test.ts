/** Failure modes 26 and 40: what lies on what, and who has the frames. */
import { describe, expect, it } from 'vitest';
import { portFlag, type VlanEgress } from '../../../../controlplane/bpf/generated/headrace.ts';
import type { Link, XdpFeatures } from '../../../../controlplane/netlink/index.ts';
import { type DesiredPort, desiredEgress, desiredPorts, withMembers } from '../../../../controlplane/ports/desired.ts';
import { type OffloadDriver, settleOffloads } from '../../../../controlplane/ports/offloads.ts';
import { stateOf } from '../../../../controlplane/ports/port-state.ts';
import { Stack } from '../../../../controlplane/ports/stack.ts';
import { keyText, vlanEgresses, vlanEntries } from '../../../../controlplane/ports/vlans.ts';

function link(index: number, name: string, more: Partial<Link> = {}): Link {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, index);
  return { index, name, mac, mtu: 1500, up: true, running: true, loopback: false, ...more } as Link;
}

function vlan(index: number, name: string, lower: number, id: number, more: Partial<Link> = {}): Link {
  return link(index, name, { kind: 'vlan', linkIndex: lower, vlan: { id, protocol: 0x8100 }, ...more });
}

interface Plan {
  readonly ports: ReadonlyMap<number, DesiredPort>;
  readonly tags: Record<string, number>;
  readonly egresses: ReadonlyMap<number, VlanEgress>;
  readonly sends: number[];
  readonly kernel: (name: string) => string | undefined;
}

/** All interfaces can transmit. */
function plan(links: readonly Link[], patterns: readonly string[], hidesTags = new Map<number, string>()): Plan {
  const features = new Map(links.map(({ index }) => [index, { ndoXmit: true, ndoXmitSg: true } as XdpFeatures]));
  const stack = new Stack(links);
  const observed = { links, addresses: [], features, rpFilter: new Map([['eth0.100', 1]]), hidesTags };
  const ports = withMembers(desiredPorts(observed, patterns, stack), stack);
  return {
    ports,
    tags: Object.fromEntries(vlanEntries(links, stack, ports).map(({ key, ifindex }) => [keyText(key), ifindex])),
    egresses: vlanEgresses(ports),
    sends: [...desiredEgress(ports)],
    kernel: (name) => {
      const of = links.find((each) => each.name === name)!;
      const around = { stack, ports, modes: new Map(), switchedOff: [], rpFilter: 0, problem: undefined };
      const hides = hidesTags.get(of.index);
      const offloads = hides === undefined ? undefined : { hidesTags: hides, merges: undefined, switchedOff: [] };
      return stateOf(of, { ...around, offloads }).kernel;
    },
  };
}

const eth0 = link(2, 'eth0');

describe('VLAN interfaces', () => {
  it('come in by their tag and leave by their port with it', () => {
    const { ports, tags, egresses, sends, kernel } = plan([eth0, vlan(10, 'eth0.100', 2, 100)], ['eth*']);
    expect(tags).toEqual({ '2/8100/100': 10 });
    expect(egresses.get(10)).toEqual({
      port: 2,
      frame_max: 1518,
      balanced_only: 0,
      outer: { protocol: 0x0081, tci: 100 << 8 },
      inner: { protocol: 0, tci: 0 },
    });
    expect(sends).toEqual([2]); // a redirect knows ports only
    expect(ports.get(10)).toMatchObject({ attach: 'no' });
    expect(ports.get(10)?.flags).toBe(portFlag.ATTACHED | portFlag.TRANSMITS | portFlag.ABLE | portFlag.RP_STRICT);
    expect(kernel('eth0.100')).toBeUndefined();
  });

  it('lie on one another: the outer tag is that of the lower one', () => {
    const links = [
      eth0,
      link(10, 's200', { kind: 'vlan', linkIndex: 2, vlan: { id: 200, protocol: 0x88a8 } }),
      vlan(11, 'eth0.q', 10, 7),
    ];
    const { tags, egresses, ports } = plan(links, ['eth*']);
    expect(tags).toEqual({ '2/88a8/200': 10, '10/8100/7': 11 });
    expect(ports.has(10)).toBe(false); // not configured, and still the way to the one that is
    expect(egresses.get(11)).toMatchObject({
      outer: { protocol: 0xa888, tci: 200 << 8 },
      inner: { protocol: 0x0081, tci: 7 << 8 },
    });
    expect([...egresses.keys()]).toEqual([11]);
  });

  it('whose port is not configured are the kernel’s', () => {
    const { ports, tags, kernel } = plan([eth0, vlan(10, 'v100', 2, 100)], ['v*']);
    expect(ports.size).toBe(0);
    expect(tags).toEqual({});
    expect(kernel('v100')).toContain('eth0, which is not in dataplane.interfaces');
  });

  it('that are down, or lie on one that is, take no packets and get none', () => {
    const down = plan([eth0, vlan(10, 'eth0.100', 2, 100, { up: false })], ['eth*']);
    expect([down.tags, down.egresses.size, down.ports.has(10)]).toEqual([{}, 0, false]);
    const above = [eth0, vlan(10, 'eth0.1', 2, 1, { up: false }), vlan(11, 'eth0.1.2', 10, 2)];
    expect(plan(above, ['eth*']).tags).toEqual({});
    expect(plan(above, ['eth*']).kernel('eth0.1.2')).toContain('below it is down');
  });

  it('without carrier come in and do not leave', () => {
    const { tags, egresses } = plan([eth0, vlan(10, 'eth0.100', 2, 100, { running: false })], ['eth*']);
    expect([tags, egresses.size]).toEqual([{ '2/8100/100': 10 }, 0]);
  });

  it('that map priorities to tags are left to the kernel on the way out', () => {
    const maps = vlan(10, 'eth0.100', 2, 100, { vlan: { id: 100, protocol: 0x8100, egressPriorities: true } });
    const { tags, egresses, kernel } = plan([eth0, maps], ['eth*']);
    expect([tags, egresses.size]).toEqual([{ '2/8100/100': 10 }, 0]);
    expect(kernel('eth0.100')).toContain('egress-qos-map');
  });

  it('of three tags, or above another namespace, are the kernel’s', () => {
    const three = [eth0, vlan(10, 'eth0.1', 2, 1), vlan(11, 'eth0.1.2', 10, 2), vlan(12, 'eth0.1.2.3', 11, 3)];
    expect(plan(three, ['eth*']).ports.has(12)).toBe(false);
    expect(plan(three, ['eth*']).kernel('eth0.1.2.3')).toContain('more than 2');
    const away = plan([eth0, vlan(10, 'eth0.100', 2, 100, { linkNetnsId: 0 })], ['eth*']);
    expect([away.ports.has(10), away.tags]).toEqual([false, {}]);
    expect(away.kernel('eth0.100')).toContain('another network namespace');
  });

  it('take over what is true of their port, and not its rp_filter', () => {
    const veth = link(2, 'eth0', { kind: 'veth' });
    const { ports } = plan([veth, vlan(10, 'eth0.200', 2, 200)], ['eth*']);
    expect(ports.get(10)?.flags).toBe(portFlag.ATTACHED | portFlag.TRANSMITS | portFlag.ABLE | portFlag.VIRTUAL);
  });
});

describe('tags taken off before XDP', () => {
  const settle = (links: readonly Link[], offloads: Record<string, string[]>, fixed: string[] = []) => {
    const switched: string[] = [];
    const driver: OffloadDriver = {
      offloadsOf: (name) => Object.fromEntries((offloads[name] ?? []).map((each) => [each, true])),
      switchOff: (name, wanted) => {
        switched.push(...wanted);
        offloads[name] = (offloads[name] ?? []).filter((each) => fixed.includes(each) || !wanted.includes(each));
      },
    };
    return { ...settleOffloads(links[0]!, new Stack(links), driver), switched };
  };

  it('by a card that lets it be switched off: it is', () => {
    const state = settle([eth0], { eth0: ['rx-vlan-hw-parse', 'rx-lro', 'rx-gro'] });
    expect(state).toMatchObject({ hidesTags: undefined, merges: undefined, switched: ['rx-vlan-hw-parse', 'rx-lro'] });
    expect(state.switchedOff).toEqual(['rx-vlan-hw-parse', 'rx-lro']);
  });

  it('by one that does not: what looks untagged is the kernel’s', () => {
    const state = settle([eth0], { eth0: ['rx-vlan-hw-parse', 'rx-gro-hw'] }, ['rx-vlan-hw-parse', 'rx-gro-hw']);
    expect(state.hidesTags).toContain('rx-vlan-hw-parse');
    expect(state.merges).toContain('rx-gro-hw');
    expect(state.switchedOff).toEqual([]);
    const { ports, kernel } = plan([eth0], ['eth*'], new Map([[2, state.hidesTags!]]));
    expect(ports.get(2)!.flags & portFlag.TAGS_HIDDEN).not.toBe(0);
    expect(kernel('eth0')).toContain('what looks untagged');
  });

  it('by the far end of a veth, which matters where VLANs are', () => {
    const near = link(2, 'v0', { kind: 'veth', linkIndex: 3 });
    const far = link(3, 'v1', { kind: 'veth', linkIndex: 2 });
    const away = { ...near, linkNetnsId: 0 };
    const on = vlan(10, 'v0.1', 2, 1);
    const hides = ['tx-vlan-hw-insert'];
    expect(settle([near, far], { v1: hides }).hidesTags).toBeUndefined();
    expect(settle([near, far, on], { v1: hides }).hidesTags).toContain('ethtool -K v1 txvlan off');
    expect(settle([near, far, on], { v1: [] }).hidesTags).toBeUndefined();
    expect(settle([away, on], {}).hidesTags).toContain('another network namespace');
  });
});

describe('interfaces that others take frames from', () => {
  const bridge = link(20, 'br0', { kind: 'bridge' });

  it('a bridge’s ports are the kernel’s, with the VLANs on them; a program there stays', () => {
    const links = [link(2, 'eth0', { master: 20, masterKind: 'bridge' }), bridge, vlan(10, 'eth0.100', 2, 100)];
    const { ports, tags, sends, kernel } = plan(links, ['eth*', 'br*']);
    expect(ports.get(2)).toMatchObject({ attach: 'keep', transmits: false });
    expect(ports.get(2)!.flags & portFlag.ENSLAVED).not.toBe(0);
    expect([ports.has(10), ports.has(20), sends]).toEqual([false, false, []]);
    expect(kernel('eth0')).toContain('br0 (bridge)');
    expect(kernel('eth0.100')).toContain('br0 (bridge)');
    expect(kernel('br0')).toContain('a bridge has no XDP');
    void tags;
  });

  it('a VRF’s ports are ports', () => {
    const links = [link(2, 'eth0', { master: 21, masterKind: 'vrf' }), link(21, 'red', { kind: 'vrf' })];
    expect(plan(links, ['eth*']).ports.get(2)).toMatchObject({ attach: 'yes' });
    expect(plan(links, ['eth*']).kernel('eth0')).toBeUndefined();
  });

  it('an ipvlan or a passthru macvlan takes what looks like the port’s own; other macvlans do not', () => {
    const on = (kind: string, macvlanMode?: number): Link => link(30, 'up', { kind, linkIndex: 2, macvlanMode });
    expect(plan([eth0, on('ipvlan')], ['eth*']).kernel('eth0')).toContain('up (ipvlan)');
    expect(plan([eth0, on('macvlan', 8)], ['eth*']).kernel('eth0')).toContain('up (macvlan)');
    expect(plan([eth0, on('macvlan', 4)], ['eth*']).kernel('eth0')).toBeUndefined();
  });
});

describe('bonds', () => {
  const bond = (mode: number, hashPolicy = 1): Link => link(20, 'bond0', { kind: 'bond', bond: { mode, hashPolicy } });
  const member = (index: number, bondBackup = false): Link =>
    link(index, `eth${index}`, { master: 20, masterKind: 'bond', bondBackup });

  it('have the program, and their members’ frames', () => {
    const { ports, sends } = plan([bond(4), member(2), member(3, true)], ['eth*', 'bond*']);
    expect(ports.get(20)).toMatchObject({ attach: 'yes' });
    expect(ports.get(2)).toMatchObject({ attach: 'no', owner: { name: 'bond0' }, transmits: false });
    expect(ports.get(2)!.flags).toBe(ports.get(20)!.flags);
    expect(ports.get(3)!.flags & portFlag.ENSLAVED).not.toBe(0);
    expect(sends).toEqual([20]);
  });

  it('carry VLANs', () => {
    const links = [bond(1), member(2), vlan(10, 'bond0.5', 20, 5)];
    const { tags, egresses } = plan(links, ['bond*']);
    expect(tags).toEqual({ '20/8100/5': 10 });
    expect(egresses.get(10)).toMatchObject({ port: 20 });
  });

  it('in modes without XDP are the kernel’s, and so are members whose bond nobody named', () => {
    expect(plan([bond(6), member(2)], ['bond*']).kernel('bond0')).toContain('balance-alb');
    expect(plan([bond(4, 5), member(2)], ['bond*']).kernel('bond0')).toContain('vlan+srcmac');
    const named = plan([bond(4), member(2)], ['eth*']);
    expect(named.kernel('eth2')).toContain('name bond0 in dataplane.interfaces');
    expect(named.ports.get(2)).toMatchObject({ attach: 'keep' });
  });
});
