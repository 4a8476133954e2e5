/** From what is attached to what should be: which operations, and in which order. */
import { describe, expect, it } from 'vitest';
import { portFlag } from '../../../../controlplane/bpf/generated/headrace.ts';
import type { Link } from '../../../../controlplane/netlink/index.ts';
import { matchesGlob } from '../../../../controlplane/ports/index.ts';
import { reconcile } from '../../../../controlplane/ports/reconcile.ts';

const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
const link = { index: 7, name: 'p0', mtu: 1500, mac } as unknown as Link;
const nothing = { attached: new Set<number>(), ports: new Map(), egress: new Set<number>(), own: new Set<number>() };
const wanted = {
  ports: new Map([[7, { link, flags: portFlag.ATTACHED, transmits: true }]]),
  egress: new Set([7]),
  own: new Set([0x0100000a]),
  slotOf: () => 3,
};

describe('reconcile()', () => {
  it('writes a port before it attaches, and adds an egress last', () => {
    const kinds = reconcile(nothing, wanted).map(({ kind }) => kind);
    expect(kinds).toEqual(['add-own', 'write-port', 'attach', 'add-egress']);
  });

  it('does nothing when all is as it should be', () => {
    const port = { flags: portFlag.ATTACHED, mtu: 1500, slot: 3, mac, interface: 7 };
    const actual = { attached: new Set([7]), ports: new Map([[7, port]]), egress: new Set([7]), own: wanted.own };
    expect(reconcile(actual, wanted)).toEqual([]);
    const changed = reconcile({ ...actual, ports: new Map([[7, { ...port, mtu: 9000 }]]) }, wanted);
    expect(changed.map(({ kind }) => kind)).toEqual(['write-port']);
  });

  it('takes an egress away first when an interface goes', () => {
    const port = { flags: portFlag.ATTACHED, mtu: 1500, slot: 3, mac, interface: 7 };
    const actual = { attached: new Set([7]), ports: new Map([[7, port]]), egress: new Set([7]), own: wanted.own };
    const kinds = reconcile(actual, { ...wanted, ports: new Map(), egress: new Set(), own: new Set() });
    expect(kinds.map(({ kind }) => kind)).toEqual(['remove-egress', 'remove-own', 'detach', 'clear-port']);
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
