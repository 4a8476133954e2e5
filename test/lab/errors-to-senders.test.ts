/**
 * What a router must tell senders: that a TTL ran out and that a packet is too big. The kernel says it, because the fast
 * path hands it such packets untouched.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ends, type Headrace, headrace, Lab, minimalConfig, type RoutedPair, routedPair } from './library/index.ts';

describe.each([4, 6] as const)('ICMP errors over IPv%i', (family) => {
  let lab: Lab;
  let pair: RoutedPair;
  let box: Headrace;
  const far = ends[family].destination;
  const router = family === 4 ? '10.0.1.1' : 'fd00:1::1';

  beforeAll(async () => {
    lab = new Lab('icmp');
    pair = routedPair(lab, { serverMtu: 1400 });
    box = await headrace(pair.box, minimalConfig);
  });
  afterAll(() => lab?.cleanup());

  it('traceroute sees the router, then the host', async () => {
    for (const method of [[], ['-I']]) {
      const trace = await pair.client.run([
        'traceroute',
        `-${family}`,
        '-n',
        '-q',
        '1',
        '-w',
        '3',
        '-m',
        '4',
        ...method,
        far,
      ]);
      const hops = [...trace.stdout.matchAll(/^ *(\d+) +(\S+)/gm)].map(([, hop, address]) => [Number(hop), address]);
      expect(hops, trace.stdout + trace.stderr).toEqual([
        [1, router],
        [2, far],
      ]);
    }
    expect(box.packets({ verdict: 'pass', reason: 'ttl_expired' })).toBeGreaterThan(0);
  });

  it('tracepath finds the path MTU', async () => {
    const trace = await pair.client.run(['tracepath', `-${family}`, '-n', '-m', '4', far]);
    expect(trace.stdout).toMatch(/Resume: pmtu 1400 hops 2/);
  });

  it('ping hears that its packet is too big', async () => {
    // Path MTUs just learned would stop the packet at its sender.
    pair.client.ip(`-${family} route flush cache`);
    const before = box.packets({ verdict: 'pass', reason: 'frag_needed' });
    const ping = await pair.client.run(['ping', `-${family}`, '-c', '1', '-W', '3', '-M', 'do', '-s', '1440', far]);
    expect(ping.stdout + ping.stderr).toMatch(/mtu ?[=:] ?1400/i);
    expect(box.packets({ verdict: 'pass', reason: 'frag_needed' })).toBeGreaterThan(before);
  });
});
