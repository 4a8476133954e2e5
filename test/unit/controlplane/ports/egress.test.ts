/** Where may the fast path send? Only where a frame is known to leave. */
import { describe, expect, it } from 'vitest';
import type { Link } from '../../../../controlplane/netlink/index.ts';
import { desiredEgress, desiredPorts, type Observed } from '../../../../controlplane/ports/desired.ts';
import { driverOf, knownToTransmit } from '../../../../controlplane/ports/driver.ts';

const eth0 = {
  index: 7,
  name: 'eth0',
  mac: new Uint8Array(6),
  mtu: 1500,
  up: true,
  running: true,
  loopback: false,
} as Link;

function egress(observed: Partial<Observed>): number[] {
  const all = {
    links: [eth0],
    addresses: [],
    features: undefined,
    rpFilter: new Map(),
    forwards: new Map(),
    ...observed,
  };
  return [...desiredEgress(desiredPorts(all, ['eth*']))];
}

describe('desiredEgress()', () => {
  const able = { ndoXmit: true, ndoXmitSg: true };

  it('takes a port whose driver says that it transmits', () => {
    expect(egress({ features: new Map([[7, able as never]]) })).toEqual([7]);
  });

  it('leaves out a port without carrier, and one nobody configured', () => {
    const features = new Map([[7, able as never]]);
    expect(egress({ links: [{ ...eth0, running: false }], features })).toEqual([]);
    expect(egress({ links: [{ ...eth0, name: 'wan0' }], features })).toEqual([]);
  });

  it('believes the kernel rather than the list of drivers', () => {
    expect(egress({ features: new Map(), driverTransmits: () => true })).toEqual([]);
  });

  it('goes by the driver where the kernel cannot be asked, for frames of one buffer', () => {
    expect(egress({ driverTransmits: () => true })).toEqual([7]);
    expect(egress({ driverTransmits: () => true, links: [{ ...eth0, mtu: 9000 }] })).toEqual([]);
    expect(egress({ driverTransmits: () => false })).toEqual([]);
  });
});

describe('knownToTransmit()', () => {
  it('knows the usual cards, and does not vouch for veth', () => {
    expect(['ice', 'mlx5_core', 'virtio_net'].every(knownToTransmit)).toBe(true);
    expect(knownToTransmit('veth')).toBe(false);
    expect(knownToTransmit(undefined)).toBe(false);
  });

  it('gets no driver of an interface that is not there', () => {
    expect(driverOf('absent0')).toBeUndefined();
  });
});
