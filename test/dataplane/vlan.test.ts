/** Failure mode 26: tags in and out, on the same port and on another, and everything a tag may do to the other checks. */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { portFlag } from '../../controlplane/bpf/generated/headrace.ts';
import { forwarded, hosts, type PacketSpec, type PortName, packet, type Tag } from './packets/packet.ts';
import { icmp, tcp, udp } from './packets/transport.ts';
import { type ReasonName, TestRouter } from './router.ts';
import { Vlan } from './vlans.ts';

const [CTAG, STAG] = [0x8100, 0x88a8];
let router: TestRouter;
const vlans: Record<string, Vlan> = {};

beforeAll(() => {
  router = new TestRouter();
  const add = (name: string, number: number, port: PortName, tags: [number, number][], more = {}, lower?: string) => {
    vlans[name] = new Vlan(router, { name, number, port, tags, ...more }, lower ? vlans[lower] : undefined);
  };
  add('v10', 10, 'in0', [[CTAG, 10]]);
  add('v20', 20, 'in0', [[CTAG, 20]]);
  add('v30', 30, 'out0', [[CTAG, 30]]);
  add('s40', 40, 'out0', [[STAG, 40]]);
  add(
    'q50',
    50,
    'out0',
    [
      [STAG, 40],
      [CTAG, 50],
    ],
    {},
    's40',
  );
  add('s60', 60, 'in0', [[STAG, 60]]);
  add(
    'q70',
    70,
    'in0',
    [
      [STAG, 60],
      [CTAG, 70],
    ],
    {},
    's60',
  );
  add('v80', 80, 'in0', [[CTAG, 80]], { mac: '02:00:00:00:80:80' });
  add('v90', 90, 'out0', [[CTAG, 90]], { mtu: 1300 });
  add(
    'q91',
    91,
    'out0',
    [
      [CTAG, 90],
      [CTAG, 91],
    ],
    { mtu: 1500 },
    'v90',
  );
  add('v92', 92, 'unable', [[CTAG, 92]]);
});
afterEach(() => router?.reset());
afterAll(() => router?.close());

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Sends on in0. `by`: the VLAN interface it comes in by. `becomes`: a VLAN, a port, or why it goes to the kernel. */
function expectTagged(
  spec: PacketSpec,
  by: string | undefined,
  becomes: { readonly vlan: string } | { readonly port: PortName } | ReasonName,
): void {
  const frame = packet(spec);
  const slot = by === undefined ? undefined : vlans[by]!.slot;
  const outcome = router.send(frame, 'in0', slot);
  if (typeof becomes === 'string') {
    expect({ ...outcome, frame: hex(outcome.frame) }).toEqual({ verdict: 'pass', reason: becomes, frame: hex(frame) });
    return;
  }
  const leaves = 'vlan' in becomes ? vlans[becomes.vlan]!.spec.port : becomes.port;
  const { tags: _, ...untagged } = spec;
  const sent = 'vlan' in becomes ? vlans[becomes.vlan]!.sent(untagged) : forwarded(untagged, becomes.port);
  expect({ ...outcome, frame: hex(outcome.frame) }).toEqual({
    verdict: leaves === 'in0' ? 'tx' : 'redirect',
    reason: 'forwarded',
    frame: hex(sent),
  });
}

/** Every way in, by the tags of the frame. */
const waysIn: readonly (readonly [name: string, tags: readonly Tag[], by: string | undefined])[] = [
  ['untagged', [], undefined],
  ['a priority tag', [0xe000], undefined],
  ['an 802.1ad priority tag', [[STAG, 0x6000]], undefined],
  ['two priority tags', [0, 0xe000], undefined],
  ['a tag', [10], 'v10'],
  ['a tag with a priority', [0x700a], 'v10'],
  ['a priority tag and a tag', [0x2000, 10], 'v10'],
  ['a tag and a priority tag', [10, 0xe000], 'v10'],
  ['an 802.1ad tag', [[STAG, 60]], 's60'],
  ['two tags', [[STAG, 60], 70], 'q70'],
];

/** Every way out, by the host a packet is for. */
const waysOut: readonly (readonly [name: string, number: number, becomes: { vlan: string } | { port: PortName }])[] = [
  ['untagged, another port', 0, { port: 'out0' }],
  ['a VLAN of the same port', 20, { vlan: 'v20' }],
  ['a VLAN of another port', 30, { vlan: 'v30' }],
  ['an 802.1ad VLAN', 40, { vlan: 's40' }],
  ['two tags', 50, { vlan: 'q50' }],
  ['two tags of the same port', 70, { vlan: 'q70' }],
  ['back where it came from', 10, { vlan: 'v10' }],
];

describe.each(waysIn)('from %s', (_, tags, by) => {
  it.each(waysOut)('to %s', (_, number, becomes) => {
    const four = number ? { destination: `10.1.${number}.2` } : {};
    const six = { destination: number ? `fd01:${number}::2` : '2001:db8:100::7' };
    expectTagged({ ...four, tags }, by, becomes);
    expectTagged({ ...six, tags }, by, becomes);
    expectTagged({ ...six, tags, payload: tcp({ length: 700 }), ttl: 2 }, by, becomes);
    expectTagged({ ...four, tags, payload: icmp(5), trailer: 13 }, by, becomes);
    expectTagged({ ...four, tags, fragment: { offset: 80, more: true } }, by, becomes);
  });
});

describe('tags that are nobody’s', () => {
  it.each<[string, readonly Tag[]]>([
    ['an unknown VLAN', [11]],
    ['VLAN 4095', [4095]],
    ['the protocol of another', [[STAG, 10]]],
    ['the other protocol', [60]],
    ['an unknown second VLAN', [10, 11]],
    ['the second VLAN alone', [70]],
    ['the tags in the wrong order', [70, [STAG, 60]]],
    ['a VLAN of another port', [30]],
    ['three priority tags', [0, 0, 0]],
  ])('%s: the kernel’s', (_, tags) => {
    expectTagged({ tags }, undefined, 'vlan');
    expectTagged({ tags, destination: '2001:db8:100::7' }, undefined, 'vlan');
  });

  it('a VLAN interface that is not configured: the kernel’s, and so are those above it', () => {
    vlans['s60']!.setFlags(router, 0, portFlag.ATTACHED);
    expectTagged({ tags: [[STAG, 60]] }, undefined, 'vlan');
    expectTagged({ tags: [[STAG, 60], 70] }, 'q70', { port: 'out0' });
    vlans['s60']!.setFlags(router, 0);
  });

  it('a third tag: the kernel’s, counted where the second leads', () => {
    expectTagged({ tags: [[STAG, 60], 70, 71] }, 'q70', 'vlan');
    expectTagged({ tags: [[STAG, 60], 70, 0] }, 'q70', 'vlan');
  });

  it('a frame that ends within its tags', () => {
    const frame = packet({ tags: [[STAG, 60], 70] });
    for (let length = 15; length < 22 + 20; length++) {
      const cut = frame.slice(0, length);
      const outcome = router.run(cut);
      expect({ length, ...outcome, frame: hex(outcome.frame) }).toEqual({ length, verdict: 'pass', frame: hex(cut) });
    }
  });

  it('any bytes behind tags: never dropped, and unchanged for the kernel', () => {
    const tags = fc.constantFrom<readonly Tag[]>([10], [[STAG, 60]], [[STAG, 60], 70], [0], [0, 10]);
    const head = (of: readonly Tag[], etherType: number): Uint8Array =>
      packet({ tags: of, etherType }).slice(0, 14 + 4 * of.length);
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 120 });
    fc.assert(
      fc.property(tags, fc.constantFrom(0x0800, 0x86dd, CTAG, STAG), bytes, (of, type, rest) => {
        const frame = Uint8Array.from([...head(of, type), ...rest]);
        const outcome = router.run(frame);
        expect(['pass', 'tx', 'redirect']).toContain(outcome.verdict);
        if (outcome.verdict === 'pass') expect(hex(outcome.frame)).toBe(hex(frame));
      }),
      { numRuns: 500 },
    );
  });
});

describe('what is asked of a tagged packet', () => {
  const tags = [10];

  it('the kernel’s input checks', () => {
    expectTagged({ tags, ttl: 1 }, 'v10', 'ttl_expired');
    expectTagged({ tags, ttl: 1, destination: '2001:db8:100::7' }, 'v10', 'ttl_expired');
    expectTagged({ tags, options: [148, 4, 0, 0] }, 'v10', 'ip_options');
    expectTagged({ tags, checksum: 1 }, 'v10', 'bad_checksum');
    expectTagged({ tags, source: '127.0.0.1' }, 'v10', 'martian_source');
    expectTagged({ tags, destination: '224.0.0.5' }, 'v10', 'special_destination');
    expectTagged({ tags, etherType: 0x0806 }, 'v10', 'other_ethertype');
    const extensions: [number, number[]][] = [[0, [0, 0, 1, 4, 0, 0, 0, 0]]];
    expectTagged({ tags, destination: '2001:db8:100::7', extensions }, 'v10', 'extension_header');
  });

  it('lengths, counted from behind the tags', () => {
    const length = 20 + 8 + 18;
    expectTagged({ tags, lengthField: length + 1 }, 'v10', 'malformed');
    expectTagged({ tags: [[STAG, 60], 70], lengthField: length + 1 }, 'q70', 'malformed');
    expectTagged({ tags: [[STAG, 60], 70], destination: '2001:db8:100::7', lengthField: 27 }, 'q70', 'malformed');
  });

  it('whose frame it is: the port’s or the VLAN interface’s', () => {
    expectTagged({ tags: [80], to: '02:00:00:00:80:80' }, 'v80', { port: 'out0' });
    expectTagged({ tags: [80], to: hosts.in0.router }, 'v80', { port: 'out0' });
    expectTagged({ tags: [10], to: '02:00:00:00:80:80' }, 'v10', 'other_host');
    expectTagged({ tags: [10], to: 'ff:ff:ff:ff:ff:ff' }, 'v10', 'group_frame');
    expectTagged({ to: '02:00:00:00:80:80' }, undefined, 'other_host');
  });

  it('the MTU of the VLAN interface, to the byte', () => {
    const fits = udp({ length: 1300 - 28 });
    expectTagged({ destination: '10.1.90.2', payload: fits }, undefined, { vlan: 'v90' });
    expectTagged({ destination: '10.1.90.2', payload: udp({ length: 1301 - 28 }) }, undefined, 'frag_needed');
    expectTagged({ destination: '10.1.30.2', payload: udp({ length: 1500 - 28 }) }, undefined, { vlan: 'v30' });
    expectTagged({ destination: '10.1.30.2', payload: udp({ length: 1501 - 28 }) }, undefined, 'frag_needed');
  });

  it('that its tags fit the port too: two need four bytes more than a redirect allows for', () => {
    expectTagged({ destination: '10.1.91.2', payload: udp({ length: 1496 - 28 }) }, undefined, { vlan: 'q91' });
    expectTagged({ destination: '10.1.91.2', payload: udp({ length: 1497 - 28 }) }, undefined, 'egress_unable');
  });

  it('that the port below transmits', () => {
    expectTagged({ destination: '10.1.92.2' }, undefined, 'egress_unable');
    vlans['v10']!.setFlags(router, 0, portFlag.TRANSMITS);
    expectTagged({ tags, destination: '10.1.20.2' }, 'v10', 'egress_unable');
    vlans['v10']!.setFlags(router, 0);
  });

  it('the reverse path, of the VLAN interface', () => {
    vlans['v10']!.setFlags(router, portFlag.RP_STRICT);
    expectTagged({ tags, source: '10.1.10.7' }, 'v10', { port: 'out0' });
    expectTagged({ tags, source: '10.0.1.7' }, 'v10', 'reverse_path');
    expectTagged({ source: '10.0.1.7' }, undefined, { port: 'out0' });
    vlans['v10']!.setFlags(router, 0);
  });

  it('whether checksums are finished, where the port is virtual', () => {
    vlans['q70']!.setFlags(router, portFlag.VIRTUAL);
    const unfinished = { tags: [[STAG, 60], 70] as Tag[], payload: tcp({ checksum: 'unfinished' }) };
    expectTagged(unfinished, 'q70', 'unfinished_checksum');
    expectTagged({ ...unfinished, destination: '2001:db8:100::7' }, 'q70', 'unfinished_checksum');
    vlans['q70']!.setFlags(router, 0);
  });

  it('policy rules by its interface', () => {
    router.ip('rule add iif v10 lookup 77 priority 100\nroute add 198.51.100.0/24 via 10.0.3.2 table 77');
    expectTagged({ tags }, 'v10', { port: 'out1' });
    expectTagged({}, undefined, { port: 'out0' });
    router.ip('rule del priority 100\nroute flush table 77');
  });

  it('frames of several buffers', () => {
    router.ip('link set v30 mtu 9000');
    vlans['v30'] = new Vlan(router, { ...vlans['v30']!.spec, name: 'jumbo', number: 31, mtu: 9000, frameMax: 9018 });
    expectTagged({ tags, destination: '10.1.31.2', payload: udp({ length: 8900 }) }, 'v10', { vlan: 'v30' });
    expectTagged({ destination: '10.1.31.2', payload: tcp({ length: 5000 }), trailer: 77 }, undefined, { vlan: 'v30' });
  });
});

describe('interfaces that are the kernel’s', () => {
  it('a port’s is, with all its VLANs', () => {
    router.setFlags('in0', portFlag.TO_KERNEL);
    expectTagged({}, undefined, 'netfilter');
    expectTagged({ tags: [10] }, 'v10', 'netfilter');
    router.setFlags('in0', portFlag.ENSLAVED);
    expectTagged({}, undefined, 'enslaved');
    expectTagged({ tags: [10] }, 'v10', 'enslaved');
  });

  it('a VLAN’s is, alone', () => {
    vlans['v10']!.setFlags(router, portFlag.TO_KERNEL);
    expectTagged({ tags: [10] }, 'v10', 'netfilter');
    expectTagged({}, undefined, { port: 'out0' });
    vlans['v10']!.setFlags(router, 0);
  });

  it('what looks untagged, where tags may be hidden', () => {
    router.setFlags('in0', portFlag.TAGS_HIDDEN);
    expectTagged({}, undefined, 'tags_hidden');
    expectTagged({ tags: [10] }, 'v10', { port: 'out0' });
  });

  it('a bond’s members are the bond to the kernel', () => {
    router.setPort(router.ifindex('in0'), {
      flags: portFlag.ATTACHED | portFlag.TRANSMITS | portFlag.RP_STRICT,
      mtu: 1500,
      slot: 1,
      mac: Uint8Array.from(hosts.in0.router.split(':'), (byte) => Number.parseInt(byte, 16)),
      interface: router.ifindex('out1'),
    });
    expectTagged({ source: '10.0.3.2' }, undefined, { port: 'out0' });
    expectTagged({ source: '10.0.1.2' }, undefined, 'reverse_path');
  });
});
