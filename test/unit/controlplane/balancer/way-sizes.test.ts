/** Which services lose packets because a way to a backend is too narrow for their tunnel. */
import { describe, expect, it } from 'vitest';
import type { BalancerSpec, ServiceSpec } from '../../../../controlplane/balancer/model.ts';
import { narrowWays, overheadOf } from '../../../../controlplane/balancer/way-sizes.ts';

const spec = (service: Partial<ServiceSpec>, addresses = ['10.0.0.1', '10.0.0.2']): BalancerSpec =>
  ({
    pools: [{ name: 'web', backends: addresses.map((address, i) => ({ name: `b${i}`, address })) }],
    services: [{ name: 'www', pool: 'web', mode: 'ipip', fragments: 'drop', ...service }],
  }) as unknown as BalancerSpec;
const frontend = (vip: string, protocol: 'tcp' | 'udp' | 'any') => ({ vip, protocol, fromPort: 80, toPort: 80 });

describe('overheadOf()', () => {
  it('is what stands before the packet', () => {
    expect([overheadOf('ipip', '10.0.0.1'), overheadOf('gue', '10.0.0.1')]).toEqual([20, 28]);
    expect([overheadOf('ipip', 'fd00::1'), overheadOf('gue', 'fd00::1')]).toEqual([40, 48]);
    expect([overheadOf('l2', '10.0.0.1'), overheadOf('nat', 'fd00::1')]).toEqual([0, 0]);
  });
});

describe('narrowWays()', () => {
  const udp = { frontends: [frontend('192.0.2.1/32', 'udp')] };

  it('names datagrams that are cut up and dropped, by the narrowest way', () => {
    const mtu = (address: string) => (address === '10.0.0.2' ? 1500 : 9000);
    expect(narrowWays(spec(udp), mtu)).toEqual([
      expect.stringMatching(/^service www: the way to web\/b1 has room for 1480 bytes, .*MTU of 1520/),
    ]);
    expect(narrowWays(spec({ ...udp, mode: 'gue' }), mtu)[0]).toMatch(/1472 bytes.*1528/);
    expect(narrowWays(spec({ frontends: [frontend('192.0.2.1/32', 'any')] }), mtu)).toHaveLength(1);
  });

  it('has nothing to say of TCP, of other policies, of no tunnel, of enough room or of none that is known', () => {
    const narrow = () => 1500;
    expect(narrowWays(spec({ frontends: [frontend('192.0.2.1/32', 'tcp')] }), narrow)).toEqual([]);
    expect(narrowWays(spec({ ...udp, fragments: 'track' }), narrow)).toEqual([]);
    expect(narrowWays(spec({ ...udp, mode: 'l2' }), narrow)).toEqual([]);
    expect(narrowWays(spec(udp), () => 1520)).toEqual([]);
    for (const unknown of [undefined, 0]) expect(narrowWays(spec(udp), () => unknown)).toEqual([]);
  });

  it('names IPv6 clients, whose packets nobody makes smaller than 1280 bytes', () => {
    const v6 = { frontends: [frontend('2001:db8::1/128', 'tcp')] };
    expect(narrowWays(spec(v6), () => 1299)[0]).toMatch(/room for 1279 bytes.*MTU of 1300/);
    expect(narrowWays(spec(v6), () => 1300)).toEqual([]);
    expect(narrowWays(spec(v6, ['fd00::1']), () => 1300)[0]).toMatch(/room for 1260 bytes.*MTU of 1320/);
    expect(narrowWays(spec({ frontends: [frontend('192.0.2.1/32', 'tcp')] }), () => 1200)).toEqual([]);
  });
});
