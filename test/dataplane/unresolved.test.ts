/** Packets to neighbors nobody has resolved: so many a second are handed up, the rest is dropped and counted. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { portFlag } from '../../controlplane/bpf/generated/headrace.ts';
import { hosts, packet } from './packets/packet.ts';
import { TestRouter } from './router.ts';

describe('packets to unresolved neighbors', () => {
  let router: TestRouter;

  beforeAll(() => {
    router = new TestRouter();
  });
  afterAll(() => router?.close());
  afterEach(() => router.reset());

  const send = (destination: string, ingress: 'in0' | 'out1' = 'in0'): string => {
    const { verdict, reason } = router.send(frameTo(destination, ingress), ingress);
    return `${verdict} ${reason}`;
  };
  const frameTo = (destination: string, ingress: 'in0' | 'out1'): Uint8Array =>
    packet(
      ingress === 'in0'
        ? { destination }
        : { destination, source: '10.0.3.2', to: hosts[ingress].router, from: hosts[ingress].host },
    );

  /** What became of `count` packets to hosts of an attached network, and the most a second may have let through. */
  function scan(network: string, count: number, limit: number): { passed: number; dropped: number; most: number } {
    const start = performance.now();
    const seen = Array.from({ length: count }, (_, i) => send(`${network}${i + 20}`));
    const seconds = Math.floor((performance.now() - start) / 1000) + 2;
    return {
      passed: seen.filter((what) => what === 'pass no_neighbor').length,
      dropped: seen.filter((what) => what === 'drop no_neighbor_limited').length,
      most: limit * seconds,
    };
  }

  it.each([['10.0.2.'], ['fd00:2::']])('a scan of %s is bounded', (network) => {
    router.limitUnresolved(3);
    const { passed, dropped, most } = scan(network, 60, 3);
    expect(passed + dropped).toBe(60);
    expect(passed).toBeGreaterThanOrEqual(3);
    expect(passed).toBeLessThanOrEqual(most);
    expect(dropped).toBeGreaterThan(0);
  });

  it('packets that are forwarded are not counted against it', () => {
    router.limitUnresolved(1);
    scan('10.0.2.', 10, 1);
    for (let i = 0; i < 20; i++) expect(send('198.51.100.7')).toBe('redirect forwarded');
  });

  it('each port that packets come in by has its own share', () => {
    router.limitUnresolved(1);
    while (send('10.0.2.33') !== 'drop no_neighbor_limited');
    expect(send('10.0.2.33', 'out1')).toBe('pass no_neighbor');
  });

  it('a failed neighbor counts too', () => {
    router.ip('neighbor replace 10.0.2.200 nud failed dev out0');
    router.limitUnresolved(1);
    while (send('10.0.2.200') !== 'drop no_neighbor_limited');
  });

  it('no limit, and an egress that is no port of ours: all go up', () => {
    expect(scan('10.0.2.', 30, 0).passed).toBe(30);
    router.limitUnresolved(1);
    router.setFlags('unable', 0, portFlag.ATTACHED);
    expect(scan('10.0.5.', 30, 0).passed).toBe(30);
  });
});
