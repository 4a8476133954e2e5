/** Failure modes 6–11: whose frame is it, and may these addresses be forwarded at all? */
import { afterAll, beforeAll, describe } from 'vitest';
import { hosts } from './packets/packet.ts';
import { TestRouter } from './router.ts';
import { type Row, table } from './table.ts';

let router: TestRouter;
beforeAll(() => {
  router = new TestRouter();
});
afterAll(() => router?.close());

const out = { out: 'out0' } as const;
const from = (source: string, becomes: Row[2]): Row => [
  `from ${source}`,
  source.includes(':') ? { source, destination: '2001:db8:100::7' } : { source },
  becomes,
];
const to = (destination: string, becomes: Row[2]): Row => [`to ${destination}`, { destination }, becomes];

describe('frames', () => {
  table(
    () => router,
    [
      ['IPv4 for this port', {}, out],
      ['IPv6 for this port', { destination: '2001:db8:100::7' }, out],
      ['for another host', { to: '02:00:00:00:99:99' }, 'other_host'],
      ['for another port of this router', { to: hosts.out0.router }, 'other_host'],
      ['MAC that differs in the last bit only', { to: '02:00:00:00:01:00' }, 'other_host'],
      ['broadcast', { to: 'ff:ff:ff:ff:ff:ff' }, 'group_frame'],
      ['multicast', { to: '01:00:5e:00:00:01' }, 'group_frame'],
      ['ARP', { etherType: 0x0806 }, 'other_ethertype'],
      ['MPLS', { etherType: 0x8847 }, 'other_ethertype'],
      ['VLAN tag', { tags: [42] }, 'vlan'],
      ['two VLAN tags', { tags: [42, 43] }, 'vlan'],
      ['IPv6 in a frame that says IPv4', { destination: '2001:db8:100::7', etherType: 0x0800 }, 'malformed'],
      ['IPv4 in a frame that says IPv6', { etherType: 0x86dd }, 'malformed'],
    ],
  );
});

describe('sources', () => {
  table(
    () => router,
    [
      from('127.0.0.1', 'martian_source'),
      from('127.255.255.254', 'martian_source'),
      from('0.0.0.0', 'martian_source'),
      from('0.1.2.3', 'martian_source'),
      from('224.0.0.1', 'martian_source'),
      from('239.255.255.255', 'martian_source'),
      from('255.255.255.255', 'martian_source'),
      from('1.0.0.1', out),
      from('126.255.255.255', out),
      from('128.0.0.1', out),
      from('223.255.255.255', out),
      from('240.0.0.1', out),
      from('169.254.1.1', out),
      from('::', 'martian_source'),
      from('::1', 'martian_source'),
      from('::ffff:c000:201', 'martian_source'),
      from('ff02::1', 'martian_source'),
      from('ff0e::1', 'martian_source'),
      from('fe80::1', 'martian_source'),
      from('febf::1', 'martian_source'),
      from('fec0::1', out),
      from('::2', out),
      from('2001:db8::1', out),
    ],
  );
});

describe('destinations', () => {
  table(
    () => router,
    [
      to('224.0.0.5', 'special_destination'),
      to('239.1.2.3', 'special_destination'),
      to('255.255.255.255', 'special_destination'),
      to('0.0.0.0', 'special_destination'),
      to('0.1.2.3', 'special_destination'),
      to('127.0.0.1', 'special_destination'),
      to('8.8.8.8', out),
      to('240.0.0.1', out),
      to('10.0.1.1', 'local'),
      to('10.0.2.1', 'local'),
      to('10.0.2.255', 'local'),
      to('10.0.2.0', 'no_neighbor'),
      to('10.0.2.2', out),
      to('::1', 'special_destination'),
      to('::', 'special_destination'),
      to('ff02::5', 'special_destination'),
      to('ff0e::5', 'special_destination'),
      to('fe80::5', 'special_destination'),
      to('fd00:1::1', 'local'),
      to('fd00:2::1', 'local'),
      to('fd00:2::2', out),
      to('2606:4700::1111', out),
    ],
  );
});
