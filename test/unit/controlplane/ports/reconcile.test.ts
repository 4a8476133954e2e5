/** From what is attached to what should be: which operations, and in which order. */
import { describe, expect, it } from 'vitest';
import { portFlag } from '../../../../controlplane/bpf/generated/headrace.ts';
import type { Link } from '../../../../controlplane/netlink/index.ts';
import type { DesiredPort } from '../../../../controlplane/ports/desired.ts';
import { matchesGlob } from '../../../../controlplane/ports/index.ts';
import { reconcile } from '../../../../controlplane/ports/reconcile.ts';

const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
const link = { index: 7, name: 'p0', mtu: 1500, mac } as unknown as Link;
const nothing = {
  attached: new Set<number>(),
  ports: new Map(),
  egress: new Set<number>(),
  able: new Set<number>(),
  own: new Set<number>(),
  vlans: new Map(),
  vlanEgress: new Map(),
};
const wanted = {
  ports: new Map<number, DesiredPort>([
    [7, { link, flags: portFlag.ATTACHED, transmits: true, able: true, attach: 'yes', owner: link }],
  ]),
  egress: new Set([7]),
  able: new Set([7]),
  own: new Set([0x0100000a]),
  vlans: [],
  vlanEgress: new Map(),
  slotOf: () => 3,
};

describe('reconcile()', () => {
  it('writes a port before it attaches, and adds an egress last', () => {
    const kinds = reconcile(nothing, wanted).map(({ kind }) => kind);
    expect(kinds).toEqual(['add-own', 'write-port', 'attach', 'add-egress', 'add-able']);
  });

  it('does nothing when all is as it should be', () => {
    const port = { flags: portFlag.ATTACHED, mtu: 1500, slot: 3, mac, interface: 7 };
    const actual = {
      ...nothing,
      attached: new Set([7]),
      ports: new Map([[7, port]]),
      egress: new Set([7]),
      able: new Set([7]),
      own: wanted.own,
    };
    expect(reconcile(actual, wanted)).toEqual([]);
    const changed = reconcile({ ...actual, ports: new Map([[7, { ...port, mtu: 9000 }]]) }, wanted);
    expect(changed.map(({ kind }) => kind)).toEqual(['write-port']);
  });

  it('takes an egress away first when an interface goes', () => {
    const port = { flags: portFlag.ATTACHED, mtu: 1500, slot: 3, mac, interface: 7 };
    const actual = {
      ...nothing,
      attached: new Set([7]),
      ports: new Map([[7, port]]),
      egress: new Set([7]),
      able: new Set([7]),
      own: wanted.own,
    };
    const kinds = reconcile(actual, {
      ...wanted,
      ports: new Map(),
      egress: new Set(),
      able: new Set(),
      own: new Set(),
    });
    expect(kinds.map(({ kind }) => kind)).toEqual([
      'remove-egress',
      'remove-able',
      'remove-own',
      'detach',
      'clear-port',
    ]);
  });
});

describe('reconcile() of VLANs and numbers used again', () => {
  const vlanLink = { index: 9, name: 'p0.5', mtu: 1500, mac } as unknown as Link;
  const vlan: DesiredPort = {
    link: vlanLink,
    flags: portFlag.ATTACHED,
    transmits: true,
    able: true,
    attach: 'no',
    owner: vlanLink,
  };
  const entry = { key: { lower: 7, protocol: 0x0081, vid: 5 }, ifindex: 9 };
  const egress = {
    port: 7,
    frame_max: 1518,
    balanced_only: 0,
    outer: { protocol: 0x0081, tci: 0x0500 },
    inner: { protocol: 0, tci: 0 },
  };
  const with5 = {
    ...wanted,
    ports: new Map([...wanted.ports, [9, vlan]]),
    vlans: [entry],
    vlanEgress: new Map([[9, egress]]),
  };

  it('makes what packets are led to before what leads them there, and attaches nothing to a VLAN interface', () => {
    const kinds = reconcile(nothing, with5).map(({ kind }) => kind);
    const made = [
      'add-own',
      'write-port',
      'attach',
      'write-port',
      'write-vlan',
      'add-egress',
      'add-able',
      'write-vlan-egress',
    ];
    expect(kinds).toEqual(made);
  });

  const port = { flags: portFlag.ATTACHED, mtu: 1500, slot: 3, mac, interface: 7 };
  const actual = {
    attached: new Set([7]),
    ports: new Map([
      [7, port],
      [9, { ...port, interface: 9 }],
    ]),
    egress: new Set([7]),
    able: new Set([7]),
    own: wanted.own,
    vlans: new Map([['7/8100/5', entry]]),
    vlanEgress: new Map([[9, egress]]),
  };

  it('does nothing when all is as it should be, and takes a VLAN away from the outside in', () => {
    expect(reconcile(actual, with5)).toEqual([]);
    const gone = reconcile(actual, wanted).map(({ kind }) => kind);
    expect(gone).toEqual(['clear-vlan-egress', 'clear-vlan', 'clear-port']);
  });

  it('leads a tag to the interface that has it now', () => {
    const again: DesiredPort = { ...vlan, link: { ...vlanLink, index: 10 }, owner: { ...vlanLink, index: 10 } };
    const operations = reconcile(actual, {
      ...with5,
      ports: new Map([...wanted.ports, [10, again]]),
      vlans: [{ ...entry, ifindex: 10 }],
      vlanEgress: new Map([[10, egress]]),
    });
    expect(operations).toContainEqual({ kind: 'write-vlan', key: entry.key, ifindex: 10 });
    expect(operations).toContainEqual({ kind: 'clear-vlan-egress', ifindex: 9 });
    expect(operations).toContainEqual({ kind: 'clear-port', ifindex: 9 });
  });

  it('keeps a program where it does no harm, and does not put one there', () => {
    const enslaved: DesiredPort = {
      link,
      flags: portFlag.ENSLAVED,
      transmits: false,
      able: false,
      attach: 'keep',
      owner: link,
    };
    const desired = { ...wanted, ports: new Map([[7, enslaved]]), egress: new Set<number>(), able: new Set<number>() };
    expect(reconcile({ ...actual, ports: new Map(), vlans: new Map() }, desired).map(({ kind }) => kind)).not.toContain(
      'detach',
    );
    expect(reconcile(nothing, desired).map(({ kind }) => kind)).not.toContain('attach');
  });
});

describe('matchesGlob()', () => {
  it.each([
    ['p*', 'p0', true],
    ['p*', 'ep0', false],
    ['eth?', 'eth10', false],
    ['bond0.10', 'bond0x10', false],
  ])('%s against %s: %s', (pattern, name, expected) => {
    expect(matchesGlob(pattern, name)).toBe(expected);
  });
});
