import { describe, expect, it } from 'vitest';
import { AttributeTable, AttributeWriter } from '../../../../controlplane/netlink/attributes.ts';
import { parseIp } from '../../../../controlplane/netlink/ip-address.ts';
import { encodeMessage, readError, walkMessages } from '../../../../controlplane/netlink/message.ts';
import { encodeRoute } from '../../../../controlplane/netlink/route-query.ts';
import { RouteView } from '../../../../controlplane/netlink/route-view.ts';

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

describe('attributes', () => {
  it('reads what was written, nests included', () => {
    const writer = new AttributeWriter()
      .header(4)
      .u8(1, 7)
      .u16(2, 513)
      .u32(3, 0xfffffffe)
      .u64(4, 1n << 40n)
      .string(5, 'eth0')
      .nest(6, (nest) => nest.u32(1, 9));
    const bytes = writer.finish();
    const table = new AttributeTable().parse(viewOf(bytes), 4, bytes.length);
    expect([table.u8(1), table.u16(2), table.u32(3), table.u64(4), table.string(5)]).toEqual([
      7,
      513,
      0xfffffffe,
      1n << 40n,
      'eth0',
    ]);
    expect(table.nested(6)?.u32(1)).toBe(9);
    expect(table.has(7)).toBe(false);
  });

  it('ends at a malformed length and forgets the message before', () => {
    const table = new AttributeTable();
    const good = new AttributeWriter().u32(1, 1).finish();
    expect(table.parse(viewOf(good), 0, good.length).u32(1)).toBe(1);
    const bad = Uint8Array.of(200, 0, 1, 0, 1, 0, 0, 0);
    expect(table.parse(viewOf(bad), 0, bad.length).u32(1)).toBeUndefined();
  });
});

describe('RouteView', () => {
  it('reads an IPv4 route by an IPv6 gateway, and forgets it at the next', () => {
    const view = new RouteView();
    const first = encodeRoute(
      {
        destination: parseIp('10.1.0.0')!.bytes,
        prefixLength: 16,
        gateway: parseIp('fe80::1')!.bytes,
        ifindex: 3,
        mtu: 1400,
        table: 1000,
      },
      false,
    ).finish();
    expect(view.read(viewOf(first), 0, first.length)).toBe(true);
    expect(view.toRoute()).toMatchObject({ family: 4, prefixLength: 16, ifindex: 3, mtu: 1400, table: 1000, type: 1 });
    expect(view.word0).toBe(0x0a010000);
    expect(view.gatewayFamily).toBe(6);
    const second = encodeRoute(
      { destination: parseIp('::')!.bytes, prefixLength: 0, type: 'blackhole' },
      false,
    ).finish();
    expect(view.read(viewOf(second), 0, second.length)).toBe(true);
    expect(view.toRoute()).toMatchObject({ family: 6, type: 6, mtu: 0, ifindex: 0, gateway: undefined });
  });
});

describe('messages', () => {
  it('walks a datagram and reads an error', () => {
    const body = new Uint8Array(20);
    new DataView(body.buffer).setInt32(0, -17, true);
    const bytes = encodeMessage(2, 0x100, 5, body);
    let seen = 0;
    walkMessages(viewOf(bytes), bytes.length, (type, flags, sequence, start, end) => {
      seen++;
      expect([type, sequence]).toEqual([2, 5]);
      expect(readError(viewOf(bytes), flags, start, end)).toEqual({ errno: 17, hint: undefined });
      return true;
    });
    expect(seen).toBe(1);
  });
});
