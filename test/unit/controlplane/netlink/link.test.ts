/** Links as the kernel announces them: VLAN interfaces, bonds and their members, macvlans. */
import { describe, expect, it } from 'vitest';
import * as c from '../../../../controlplane/netlink/constants.ts';
import type { Link } from '../../../../controlplane/netlink/link.ts';
import { type Fill, kind, link as message, vlan as vlanOn } from './link-message.ts';

const link = (index: number, name: string, fill?: Fill): Link =>
  message(index, name, Uint8Array.of(2, 0, 0, 0, 0, 9), fill);

describe('readLink()', () => {
  it('reads a VLAN interface: identifier, protocol, what it lies on', () => {
    const vlan = link(12, 'eth0.100', vlanOn(3, 100));
    expect(vlan).toMatchObject({ index: 12, name: 'eth0.100', kind: 'vlan', linkIndex: 3, linkNetnsId: undefined });
    expect(vlan.vlan).toEqual({ id: 100, protocol: 0x8100, egressPriorities: false });
    expect(vlan.up && vlan.running).toBe(true);
  });

  it('reads an 802.1ad one with a map of priorities, whose lower interface is in another namespace', () => {
    const vlan = link(13, 's200', (writer) =>
      kind('vlan', (data) =>
        data
          .u16(c.IFLA_VLAN_ID, 200)
          .u16be(c.IFLA_VLAN_PROTOCOL, 0x88a8)
          .nest(c.IFLA_VLAN_EGRESS_QOS, (map) => map.bytes(1, Uint8Array.of(6, 0, 0, 0, 5, 0, 0, 0))),
      )(writer.u32(c.IFLA_LINK, 3).u32(c.IFLA_LINK_NETNSID, 0)),
    );
    expect(vlan.vlan).toEqual({ id: 200, protocol: 0x88a8, egressPriorities: true });
    expect(vlan.linkNetnsId).toBe(0);
  });

  it('reads a bond and its members', () => {
    const bond = link(
      20,
      'bond0',
      kind('bond', (data) => data.u8(c.IFLA_BOND_MODE, 4).u8(c.IFLA_BOND_XMIT_HASH_POLICY, 1)),
    );
    expect(bond.bond).toEqual({ mode: 4, hashPolicy: 1 });
    const member = (state: number): Link =>
      link(21, 'eth1', (writer) =>
        writer
          .u32(c.IFLA_MASTER, 20)
          .nest(c.IFLA_LINKINFO, (info) =>
            info
              .string(c.IFLA_INFO_SLAVE_KIND, 'bond')
              .nest(c.IFLA_INFO_SLAVE_DATA, (data) => data.u8(c.IFLA_BOND_SLAVE_STATE, state)),
          ),
      );
    expect(member(0)).toMatchObject({ master: 20, masterKind: 'bond', bondBackup: false });
    expect(member(1).bondBackup).toBe(true);
  });

  it('reads the mode of a macvlan', () => {
    const passthru = link(
      30,
      'mv0',
      kind('macvlan', (data) => data.u32(c.IFLA_MACVLAN_MODE, 8)),
    );
    expect(passthru.macvlanMode).toBe(8);
    expect(link(31, 'eth0').macvlanMode).toBeUndefined();
  });
});
