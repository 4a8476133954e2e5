/**
 * Failure mode 26 from end to end, without VLAN interfaces in the kernel under test: link messages as the kernel would
 * send them, through the control plane's own reading, planning and writing, into the maps, and packets through those.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Link, XdpFeatures } from '../../controlplane/netlink/index.ts';
import { desiredAble, desiredEgress, desiredPorts, withMembers } from '../../controlplane/ports/desired.ts';
import { PortMaps } from '../../controlplane/ports/port-maps.ts';
import { reconcile } from '../../controlplane/ports/reconcile.ts';
import { Stack } from '../../controlplane/ports/stack.ts';
import { vlanEgresses, vlanEntries } from '../../controlplane/ports/vlans.ts';
import { type Fill, link as message, vlan } from '../unit/controlplane/netlink/link-message.ts';
import { mac } from './packets/bytes.ts';
import { hosts, packet, type Tag } from './packets/packet.ts';
import { TestRouter } from './router.ts';

/** The veth that stands in for each VLAN interface, to which the FIB sends. */
const standIns = ['v10', 's60', 'q70'] as const;
const hostMac = (i: number): string => `02:00:00:00:a${i}:02`;

let router: TestRouter;
let maps: PortMaps;
const index: Record<string, number> = {};
let links: Link[] = [];

/** As `Ports.refresh`, with these links. @returns the operations. */
function apply(of: readonly Link[]): string[] {
  const stack = new Stack(of);
  const features = new Map(of.map((each) => [each.index, { ndoXmit: true, ndoXmitSg: true } as XdpFeatures]));
  const observed = { links: of, addresses: [], features, rpFilter: new Map<string, number>() };
  const ports = withMembers(desiredPorts(observed, ['in0', 'out0', 'v*', 'q*'], stack), stack);
  const operations = reconcile(
    { attached: new Set([...ports.keys()].filter((ifindex) => !ports.get(ifindex)!.vlan)), ...maps.actual() },
    {
      ports,
      egress: desiredEgress(ports),
      able: desiredAble(ports),
      own: new Set(),
      vlans: vlanEntries(of, stack, ports),
      vlanEgress: vlanEgresses(ports),
      slotOf: (name) => Object.keys(index).indexOf(name) + 1,
    },
  );
  router.inside(() => {
    for (const operation of operations)
      if (operation.kind !== 'attach' && operation.kind !== 'detach') maps.apply(operation);
  });
  return operations.map(({ kind }) => kind);
}

beforeAll(() => {
  router = new TestRouter();
  for (const port of ['in0', 'out0'] as const) index[port] = router.ifindex(port);
  standIns.forEach((name, i) => {
    router.ip(`
      link add ${name} address ${hosts.in0.router} type veth peer name far-${name}
      link set ${name} up
      link set far-${name} up
      address add 10.9.${i}.1/24 dev ${name}
      neighbor add 10.9.${i}.2 lladdr ${hostMac(i)} nud permanent dev ${name}`);
    index[name] = Number(router.ip(`link show ${name}`).split(':')[0]);
  });
  const of = (name: string, fill?: Fill): Link =>
    message(index[name]!, name, Uint8Array.from(mac(name === 'out0' ? hosts.out0.router : hosts.in0.router)), fill);
  links = [
    of('in0'),
    of('out0'),
    of('v10', vlan(index['in0']!, 10)),
    of('s60', vlan(index['out0']!, 60, 0x88a8)),
    of('q70', vlan(index['s60']!, 70)),
  ];
  maps = new PortMaps(() => router.maps);
});
afterAll(() => router?.close());

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const qinq: Tag[] = [[0x88a8, 60], 70];

describe('VLAN interfaces that come and go', () => {
  const inFromV10 = (): ReturnType<TestRouter['run']> =>
    router.run(packet({ tags: [10], source: '10.9.0.2', destination: '10.9.2.2' }));

  it('lead packets in by one tag and out by two', () => {
    expect(apply(links)).toContain('write-vlan-egress');
    const sent = { source: '10.9.0.2', destination: '10.9.2.2', ttl: 63 };
    const out = packet({ ...sent, tags: qinq, to: hostMac(2), from: hosts.in0.router });
    const outcome = inFromV10();
    expect([outcome.verdict, hex(outcome.frame)]).toEqual(['redirect', hex(out)]);
    expect(apply(links)).toEqual([]);
  });

  it('and in by two and out by one', () => {
    const frame = { tags: qinq, source: '10.9.2.2', destination: '10.9.0.2' };
    const outcome = router.run(packet({ ...frame, to: hosts.out0.router }), 'out0');
    const out = packet({ ...frame, tags: [10], ttl: 63, to: hostMac(0), from: hosts.in0.router });
    expect([outcome.verdict, hex(outcome.frame)]).toEqual(['redirect', hex(out)]);
  });

  it('not configured below one that is: a way through, and nothing of its own', () => {
    const frame = packet({ tags: [[0x88a8, 60]], to: hosts.out0.router, source: '10.9.1.2' });
    expect(router.run(frame, 'out0').verdict).toBe('pass');
    expect(router.run(packet({ destination: '10.9.1.2' })).verdict).toBe('pass');
  });

  it('leave nothing behind: neither their tag, nor what was sent to their number', () => {
    expect(apply(links.filter(({ name }) => name !== 'q70' && name !== 's60')).toSorted()).toEqual([
      'clear-port',
      'clear-vlan',
      'clear-vlan',
      'clear-vlan-egress',
    ]);
    expect(inFromV10().verdict).toBe('pass');
    expect([...router.maps.vlans.keys()]).toHaveLength(1);
    expect(router.maps.vlanEgress.get(index['q70']!)).toMatchObject({ port: 0 });
    expect(router.maps.ports.get(index['q70']!)).toMatchObject({ flags: 0 });
    expect(apply(links)).toContain('write-vlan');
    expect(inFromV10().verdict).toBe('redirect');
  });

  it('are found in the maps by whoever starts next', () => {
    maps = new PortMaps(() => router.maps);
    expect(apply(links)).toEqual([]);
    expect(apply(links.filter(({ vlan }) => !vlan))).toContain('clear-vlan-egress');
    expect([...router.maps.vlans.keys()]).toEqual([]);
    expect(inFromV10().verdict).toBe('pass');
  });
});
