/**
 * What is sent through both routers: classes of packets, each a function from a number and a source of randomness to
 * one packet. A class is about one question a router is asked; everything else in its packets is ordinary.
 */
import { type PacketSpec, packet } from '../../dataplane/packets/packet.ts';
import { carries, icmp, icmp6, type Payload, sctp, tcp, udp } from '../../dataplane/packets/transport.ts';
import { hostMac, routerMac, senders } from './boxes.ts';
import type { Random } from './random.ts';
import { tagged } from './tag.ts';

export interface Injection {
  /** Port the packet comes in by. */
  readonly port: number;
  readonly frame: Uint8Array;
}

export interface PacketClass {
  readonly name: string;
  /** Every packet is plainly forwardable: the fast path must take it. */
  readonly plain?: boolean;
  make(id: number, random: Random): Injection;
}

type Family = 4 | 6;

/** Destinations by what lies behind them, for both families. */
const places = {
  plain: ['198.51.100.', '2001:db8:100::'],
  ecmp: ['198.18.0.', '2001:db8:ec::'],
  small: ['203.0.113.', '2001:db8:203::'],
  hairpin: ['198.18.2.', '2001:db8:1a::'],
  locked: ['198.18.5.', '2001:db8:5::'],
  unlocked: ['198.18.6.', '2001:db8:6::'],
  unable: ['198.18.8.', '2001:db8:58::'],
  unattached: ['198.18.1.', '2001:db8:8::'],
  jumbo: ['198.18.9.', '2001:db8:9::'],
  ruled: ['198.18.10.', '2001:db8:10::'],
} as const;

function at(place: keyof typeof places, family: Family, random: Random): string {
  return `${places[place][family === 4 ? 0 : 1]}${random.between(1, 254)}`;
}

function source(port: number, family: Family, random: Random): string {
  const host = random.pick(senders);
  if (family === 4) return `10.0.${port}.${host}`;
  return port === 0 ? `fd00::${host}` : `fd00:${port}::${host}`;
}

function transport(id: number, family: Family, random: Random, length = random.between(16, 200)): Payload {
  const data = tagged(id, length);
  const flow = { sourcePort: random.between(1024, 65535), destinationPort: random.between(1, 1023), data };
  switch (random.below(6)) {
    case 0:
    case 1:
      return udp(flow);
    case 2:
    case 3:
      return tcp(flow);
    case 4:
      return carries(random.pick([50, 51, 33, 136, 132]), [
        ...random.bytes(7),
        1,
        ...random.bytes(4),
        9,
        ...tagged(id, length),
      ]);
    default:
      return carries(random.pick([family === 4 ? 89 : 103, 112, 115]), data);
  }
}

function frame(port: number, spec: PacketSpec): Injection {
  return { port, frame: packet({ to: routerMac(port), from: hostMac(port), ...spec }) };
}

function ordinary(id: number, random: Random, place: keyof typeof places = 'plain', port = 0): PacketSpec {
  const family = random.pick([4, 6] as const);
  return {
    source: source(port, family, random),
    destination: at(place, family, random),
    payload: transport(id, family, random),
    id: random.below(65536),
    tos: random.pick([0, 0, 0x10, 0x28, 0xb8, 1, 3]),
    flowLabel: random.below(1 << 20),
    ttl: random.between(2, 255),
  };
}

/** IP length in total, by the payload. */
function sized(id: number, family: Family, length: number, destination: string, src: string): PacketSpec {
  return { source: src, destination, payload: udp({ data: tagged(id, length - (family === 4 ? 28 : 48)) }) };
}

function altered(injection: Injection, change: (bytes: Buffer) => Buffer | undefined): Injection {
  const bytes = Buffer.from(injection.frame);
  return { port: injection.port, frame: change(bytes) ?? bytes };
}

const option = (...bytes: number[]): readonly number[] => [
  ...bytes,
  ...Array<number>((4 - (bytes.length % 4)) % 4).fill(0),
];

const v4Options: readonly (readonly number[])[] = [
  option(7, 7, 4, 0, 0, 0, 0), // record route
  option(68, 12, 13, 0, 0, 0, 0, 1, 0, 0, 0, 1), // timestamp, full: a time of day would differ between the boxes
  option(148, 4, 0, 0), // router alert
  option(131, 7, 4, 10, 0, 1, 2), // loose source route
  option(137, 7, 4, 10, 0, 1, 2), // strict source route
  option(1, 1, 1, 1),
  option(0),
  option(130, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  option(7, 39, 4, ...Array<number>(36).fill(0)),
  option(200, 1, 0, 0), // length that is none
  option(68, 40, 5, 0),
];

const padN = (length: number): number[] => [0, length / 8 - 1, 1, length - 4, ...Array<number>(length - 4).fill(0)];
const v6Chains: readonly (readonly (readonly [number, readonly number[]])[])[] = [
  [[0, padN(8)]],
  [[0, [0, 0, 5, 2, 0, 0, 0, 0]]], // router alert
  [[0, [0, 0, 0x1e, 4, 0, 0, 0, 0]]], // unknown: skip
  [[0, [0, 0, 0x5e, 4, 0, 0, 0, 0]]], // unknown: drop
  [[0, [0, 0, 0x9e, 4, 0, 0, 0, 0]]], // unknown: drop and answer
  [[0, [0, 0, 0xde, 4, 0, 0, 0, 0]]],
  [[0, [0, 0, 0xc2, 4, 0, 1, 0, 0]]], // jumbo payload
  [[60, padN(8)]],
  [[60, padN(24)]],
  [[43, [0, 0, 0, 0, 0, 0, 0, 0]]],
  [[43, [0, 2, 0, 1, 0, 0, 0, 0, ...Array<number>(16).fill(0x20)]]],
  [
    [0, padN(8)],
    [60, padN(8)],
  ],
  [
    [60, padN(8)],
    [44, [0, 0, 0, 0, 0, 0, 0, 1]],
  ],
  [[51, [0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, ...Array<number>(12).fill(7)]]],
  [[135, padN(8)]],
  [[139, padN(8)]],
  [[140, padN(8)]],
  [
    [60, padN(8)],
    [0, padN(8)],
  ],
  [[0, [0, 200, 1, 4, 0, 0, 0, 0]]], // longer than the packet
];

const specialV4 = ['0.0.0.0', '0.1.2.3', '127.0.0.1', '127.1.2.3', '224.0.0.1', '224.0.0.5', '239.1.2.3', '240.0.0.1'];
const specialV6 = ['::', '::1', 'ff02::1', 'ff05::2', 'ff0e::1', 'fe80::1', 'fec0::1', '::ffff:a00:102', '::a00:102'];

export const classes: readonly PacketClass[] = [
  { name: 'plain', plain: true, make: (id, random) => frame(0, ordinary(id, random)) },
  {
    name: 'icmp',
    plain: true,
    make: (id, random) => {
      const family = random.pick([4, 6] as const);
      const body = [0, 1, 0, 1, ...tagged(id, random.between(16, 600))];
      const type = family === 4 ? icmp(0) : icmp6('right', 0);
      return frame(0, {
        source: source(0, family, random),
        destination: at('plain', family, random),
        payload: carries(type.protocol, [family === 4 ? 8 : 128, 0, 0x12, 0x34, ...body]),
      });
    },
  },
  {
    name: 'ecmp',
    plain: true,
    make: (id, random) => frame(0, { ...ordinary(id, random, 'ecmp') }),
  },
  {
    name: 'tos-route',
    plain: true,
    make: (id, random) => {
      const spec = ordinary(id, random);
      const destination = `198.18.7.${random.between(1, 254)}`;
      const payload = transport(id, 4, random);
      return frame(0, {
        ...spec,
        source: source(0, 4, random),
        destination,
        payload,
        tos: random.pick([0, 0x10, 0x11, 0x20]),
      });
    },
  },
  {
    name: 'ipv4-via-ipv6',
    plain: true,
    make: (id, random) =>
      frame(0, {
        ...sized(id, 4, random.between(60, 1400), `198.18.3.${random.between(1, 254)}`, source(0, 4, random)),
      }),
  },
  {
    name: 'fragments',
    plain: true,
    make: (id, random) => {
      const offset = random.pick([0, 0, 8, 64, 1480, 8000]);
      const spec = ordinary(id, random, random.pick(['plain', 'ecmp'] as const));
      const payload =
        offset === 0 ? spec.payload! : carries(random.pick([6, 17, 50]), tagged(id, 8 * random.between(3, 60)));
      return frame(0, { ...spec, payload, fragment: { offset, more: offset === 0 || random.below(2) === 1 } });
    },
  },
  {
    name: 'checksum-corners',
    plain: true,
    make: (id, random) => {
      // Every value the header's checksum can take near the ends, by the identification.
      const wanted = random.pick([0x0000, 0x00ff, 0x0100, 0xfeff, 0xff00, 0xffff, 0xfffe, 0x0001]);
      const base: PacketSpec = {
        source: '10.0.0.55',
        destination: '198.51.100.9',
        payload: udp({ data: tagged(id, 24) }),
        ttl: random.between(2, 255),
      };
      const made = packet({ ...base, id: 0 });
      const current = (made[24]! << 8) | made[25]!;
      let difference = current - wanted;
      if (difference < 0) difference += 0xffff;
      return frame(0, { ...base, id: difference });
    },
  },
  {
    name: 'ttl',
    make: (id, random) =>
      frame(0, { ...ordinary(id, random, random.pick(['plain', 'ecmp'] as const)), ttl: random.pick([0, 1, 1, 2]) }),
  },
  {
    name: 'options',
    make: (id, random) =>
      frame(0, {
        source: source(0, 4, random),
        destination: random.pick([at('plain', 4, random), at('ecmp', 4, random), '10.0.0.1']),
        payload: transport(id, 4, random),
        options: random.pick(v4Options),
      }),
  },
  {
    name: 'extension-headers',
    make: (id, random) =>
      frame(0, {
        source: source(0, 6, random),
        destination: at(random.pick(['plain', 'ecmp'] as const), 6, random),
        payload: random.pick([
          udp({ data: tagged(id, 40) }),
          tcp({ data: tagged(id, 40) }),
          carries(59, tagged(id, 32)),
        ]),
        extensions: random.pick(v6Chains),
      }),
  },
  {
    name: 'martian-sources',
    make: (id, random) => {
      const four = [...specialV4, '255.255.255.255', '10.0.0.1', '10.0.1.1', '10.0.0.255', '10.0.0.0', '10.0.1.255'];
      const six = [...specialV6, 'fd00::1', 'fd00:1::1', 'fe80::ff:fe00:1'];
      const family = random.pick([4, 6] as const);
      return frame(0, {
        ...ordinary(id, random),
        payload: transport(id, family, random),
        source: random.pick(family === 4 ? four : six),
        destination: at('plain', family, random),
      });
    },
  },
  {
    name: 'special-destinations',
    make: (id, random) => {
      const four = [...specialV4, '255.255.255.255', '10.0.1.255', '10.0.1.0', '10.0.0.255', '169.254.1.1'];
      const family = random.pick([4, 6] as const);
      return frame(0, {
        ...ordinary(id, random),
        payload: transport(id, family, random),
        source: source(0, family, random),
        destination: random.pick(family === 4 ? four : specialV6),
      });
    },
  },
  {
    name: 'multicast',
    make: (id, random) => {
      const family = random.pick([4, 6] as const);
      return frame(0, {
        to: family === 4 ? '01:00:5e:01:02:03' : '33:33:00:00:00:05',
        source: source(0, family, random),
        destination: family === 4 ? '239.1.2.3' : 'ff0e::5',
        payload: udp({ data: tagged(id, 40) }),
      });
    },
  },
  {
    name: 'destination-mac',
    make: (id, random) =>
      frame(0, {
        ...ordinary(id, random, random.pick(['plain', 'ecmp'] as const)),
        to: random.pick([
          '02:00:00:00:00:99',
          'ff:ff:ff:ff:ff:ff',
          '01:00:5e:00:00:01',
          '33:33:00:00:00:01',
          routerMac(1),
          '00:00:00:00:00:00',
        ]),
      }),
  },
  {
    name: 'local',
    make: (id, random) => {
      const family = random.pick([4, 6] as const);
      const destination =
        family === 4
          ? random.pick(['10.0.0.1', '10.0.1.1', '10.0.7.1'])
          : random.pick(['fd00::1', 'fd00:1::1', 'fd00:7::1']);
      const flow = {
        sourcePort: random.between(1024, 65535),
        destinationPort: random.between(1, 1023),
        data: tagged(id, 40),
      };
      return frame(0, {
        source: family === 4 ? '10.0.0.2' : 'fd00::2',
        destination,
        payload: random.pick([udp(flow), carries(200, tagged(id, 40))]),
        ttl: random.pick([1, 64]),
      });
    },
  },
  {
    name: 'malformed',
    make: (id, random) => {
      const family = random.pick([4, 6] as const);
      const spec: PacketSpec = {
        source: source(0, family, random),
        destination: at('plain', family, random),
        payload: udp({ data: tagged(id, 60) }),
      };
      if (family === 4)
        return frame(0, {
          ...spec,
          ...random.pick<Partial<PacketSpec>>([
            { ihl: random.below(16) },
            { version: random.below(16) },
            { lengthField: random.below(30) },
            { lengthField: random.between(60, 3000) },
          ]),
        });
      return frame(0, {
        ...spec,
        ...random.pick<Partial<PacketSpec>>([
          { version: random.below(16) },
          { lengthField: random.below(200) },
          { lengthField: 65_535 },
          { lengthField: 0 },
        ]),
      });
    },
  },
  {
    name: 'truncated',
    make: (id, random) =>
      altered(frame(0, ordinary(id, random)), (bytes) => bytes.subarray(0, random.between(14, bytes.length))),
  },
  {
    name: 'bad-checksums',
    make: (id, random) => {
      const check = random.pick([0, 0xffff, random.below(65536)]);
      return frame(0, {
        source: source(0, 4, random),
        destination: at('plain', 4, random),
        payload: udp({ data: tagged(id, 40), checksum: random.pick(['right' as const, random.below(65536), 0]) }),
        ...(random.below(3) === 0 ? {} : { checksum: check }),
      });
    },
  },
  {
    name: 'fuzz',
    make: (id, random) =>
      altered(frame(0, ordinary(id, random, random.pick(['plain', 'ecmp', 'small'] as const))), (bytes) => {
        for (let flips = random.between(1, 4); flips > 0; flips--) bytes[14 + random.below(40)] = random.below(256);
        return random.below(4) === 0 ? bytes.subarray(0, random.between(14, bytes.length)) : undefined;
      }),
  },
  {
    name: 'mtu',
    make: (id, random) => {
      const family = random.pick([4, 6] as const);
      const length = random.pick([
        1259,
        1260,
        1261,
        1280,
        1299,
        1300,
        1301,
        1340,
        1341,
        1500,
        random.between(1200, 1500),
      ]);
      const built = frame(0, sized(id, family, length, at('small', family, random), source(0, family, random)));
      return family === 4 && random.below(2) === 0 ? dontFragment(built) : built;
    },
  },
  {
    name: 'route-mtu-locked',
    make: (id, random) => routeMtu(id, random, 'locked'),
  },
  { name: 'route-mtu-unlocked', make: (id, random) => routeMtu(id, random, 'unlocked') },
  {
    name: 'reject-routes',
    make: (id, random) => {
      const family = random.pick([4, 6] as const);
      const destination =
        family === 4
          ? `192.0.2.${random.between(0, 63)}`
          : `2001:db8:bad:${random.between(1, 3)}::${random.between(1, 99)}`;
      return frame(0, {
        ...ordinary(id, random),
        payload: transport(id, family, random),
        source: source(0, family, random),
        destination,
      });
    },
  },
  {
    name: 'neighbor-states',
    make: (id, random) => {
      const family = random.pick([4, 6] as const);
      const last = random.pick([10, 11, 12, 77, 78]);
      const destination = family === 4 ? `10.0.1.${last}` : `fd00:1::${last}`;
      return frame(0, {
        ...ordinary(id, random),
        payload: udp({ data: tagged(id, 40) }),
        source: family === 4 ? '10.0.0.2' : 'fd00::2',
        destination,
      });
    },
  },
  {
    name: 'vlan-tags',
    make: (id, random) => {
      const tags = random.pick([[0], [0xe000], [7], [4095], [0, 0], [0, 7], [7, 0], [0x2007]]);
      return frame(0, { ...ordinary(id, random), tags });
    },
  },
  {
    name: 'ethertypes',
    make: (id, random) =>
      frame(0, {
        ...ordinary(id, random),
        etherType: random.pick([0x0806 + 1, 0x88cc, 0x8847, 0x0800, 0x86dd, 0x05dc, 46]),
      }),
  },
  {
    name: 'padding',
    make: (id, random) => {
      const family = random.pick([4, 6] as const);
      const place = random.pick(['plain', 'small', 'ecmp'] as const);
      const spec = sized(
        id,
        family,
        random.between(family === 4 ? 44 : 64, 1290),
        at(place, family, random),
        source(0, family, random),
      );
      return frame(0, { ...spec, trailer: random.pick([1, 2, 4, 6, 18, 46, 200]) });
    },
  },
  {
    name: 'ipv6-lengths',
    make: (id, random) => {
      const spec = sized(id, 6, random.between(64, 1400), at('plain', 6, random), source(0, 6, random));
      const real = packet(spec).length - 54;
      return frame(0, { ...spec, lengthField: Math.max(0, real + random.pick([-40, -8, -1, 0, 1, 8, 40])) });
    },
  },
  {
    name: 'lightweight-tunnel',
    make: (id, random) => {
      const family = random.pick([4, 6] as const);
      const destination =
        family === 4 ? `198.18.4.${random.between(1, 254)}` : `2001:db8:5e6::${random.between(1, 99)}`;
      return frame(0, { source: source(0, family, random), destination, payload: udp({ data: tagged(id, 40) }) });
    },
  },
  { name: 'hairpin', make: (id, random) => frame(0, ordinary(id, random, 'hairpin')) },
  { name: 'forwarding-off', make: (id, random) => frame(4, ordinary(id, random, 'plain', 4)) },
  {
    name: 'rp-filter-strict',
    make: (id, random) => {
      const spec = ordinary(id, random, 'plain', 2);
      const payload = transport(id, 4, random);
      return frame(2, {
        ...spec,
        payload,
        source: random.pick([
          '10.0.2.60',
          '172.17.3.4',
          '172.16.3.4',
          '10.0.0.60',
          '8.8.8.8',
          '192.0.2.1',
          '198.18.0.7',
        ]),
        destination: at('plain', 4, random),
      });
    },
  },
  {
    name: 'rp-filter-loose',
    make: (id, random) =>
      frame(6, {
        ...ordinary(id, random, 'plain', 6),
        payload: transport(id, 4, random),
        source: random.pick(['10.0.6.60', '172.17.3.4', '10.0.0.60', '8.8.8.8', '192.0.2.1', '10.0.6.255']),
        destination: at('plain', 4, random),
      }),
  },
  {
    name: 'rules-arriving',
    make: (id, random) =>
      frame(9, ordinary(id, random, random.pick(['plain', 'plain', 'small', 'jumbo', 'hairpin'] as const), 9)),
  },
  {
    name: 'rules-arriving-spoofed',
    make: (id, random) =>
      frame(9, {
        ...ordinary(id, random, 'plain', 9),
        payload: transport(id, 4, random),
        source: random.pick(['10.0.9.60', '172.17.3.4', '10.0.0.60', '8.8.8.8']),
        destination: at('plain', 4, random),
      }),
  },
  {
    name: 'rules-leaving',
    make: (id, random) => {
      const port = random.pick([0, 1, 2, 9] as const);
      return frame(port, ordinary(id, random, 'ruled', port));
    },
  },
  { name: 'egress-unattached', make: (id, random) => frame(0, ordinary(id, random, 'unattached')) },
  { name: 'egress-unable', make: (id, random) => frame(0, ordinary(id, random, 'unable')) },
  { name: 'ingress-unattached', make: (id, random) => frame(8, ordinary(id, random, 'plain', 8)) },
  {
    name: 'unfinished-checksums',
    make: (id, random) => {
      const family = random.pick([4, 6] as const);
      const flow = { data: tagged(id, 40), checksum: 'unfinished' as const };
      return frame(0, {
        source: source(0, family, random),
        destination: at('plain', family, random),
        payload: random.pick([udp(flow), tcp(flow), sctp(flow)]),
      });
    },
  },
  {
    name: 'jumbo',
    make: (id, random) => {
      const family = random.pick([4, 6] as const);
      const place = random.pick(['jumbo', 'jumbo', 'plain', 'small', 'ecmp'] as const);
      const length = random.pick([1500, 1501, 3000, 3506, 4096, 8999, 9000, random.between(1400, 9000)]);
      const built = frame(6, sized(id, family, length, at(place, family, random), source(6, family, random)));
      return family === 4 && random.below(2) === 0 ? dontFragment(built) : built;
    },
  },
];

function routeMtu(id: number, random: Random, place: 'locked' | 'unlocked'): Injection {
  const family = random.pick([4, 6] as const);
  const length = random.pick([1360, 1399, 1400, 1401, 1440, 1500]);
  const built = frame(0, sized(id, family, length, at(place, family, random), source(0, family, random)));
  // A last fragment of five bytes would carry no packet's number.
  return family === 4 && (length === 1401 || random.below(2) === 0) ? dontFragment(built) : built;
}

/** Sets DF in an IPv4 frame, and the checksum with it. */
function dontFragment(injection: Injection): Injection {
  return altered(injection, (bytes) => {
    bytes[20] = bytes[20]! | 0x40;
    let sum = bytes.readUInt16BE(24) - 0x4000;
    if (sum < 0) sum += 0xffff;
    bytes.writeUInt16BE(sum, 24);
    return undefined;
  });
}
