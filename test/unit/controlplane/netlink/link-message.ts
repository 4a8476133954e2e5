/**
 * Link messages as the kernel writes them, for kinds of interface this kernel may be built without: built by hand in the
 * shape of rtnl_fill_ifinfo, vlan_fill_info and bond_fill_info, and read by the code under test.
 */
import { AttributeWriter, littleEndian } from '../../../../controlplane/netlink/attributes.ts';
import * as c from '../../../../controlplane/netlink/constants.ts';
import { type Link, readLink } from '../../../../controlplane/netlink/link.ts';

export type Fill = (writer: AttributeWriter) => AttributeWriter;

/** An Ethernet interface that is up, with MTU 1500, and whatever `fill` adds. */
export function link(index: number, name: string, mac: Uint8Array, fill: Fill = (writer) => writer): Link {
  const writer = new AttributeWriter()
    .header(16, (view, at) => {
      view.setUint16(at + 2, 1, littleEndian);
      view.setInt32(at + 4, index, littleEndian);
      view.setUint32(at + 8, c.IFF_UP | c.IFF_RUNNING, littleEndian);
    })
    .string(c.IFLA_IFNAME, name)
    .u32(c.IFLA_MTU, 1500)
    .bytes(c.IFLA_ADDRESS, mac);
  const bytes = fill(writer).finish();
  return readLink(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length)!;
}

/** IFLA_LINKINFO of a kind with data. */
export function kind(name: string, data: Fill): Fill {
  return (writer) =>
    writer.nest(c.IFLA_LINKINFO, (info) => info.string(c.IFLA_INFO_KIND, name).nest(c.IFLA_INFO_DATA, data));
}

/** A VLAN interface above `lower`. */
export function vlan(lower: number, id: number, protocol = 0x8100): Fill {
  return (writer) =>
    kind('vlan', (data) => data.u16(c.IFLA_VLAN_ID, id).u16be(c.IFLA_VLAN_PROTOCOL, protocol))(
      writer.u32(c.IFLA_LINK, lower),
    );
}
