import { describe, expect, it } from 'vitest';
import type { BackendSpec, BalancerSpec } from '../../../../controlplane/balancer/model.ts';
import { defaultNatSettings } from '../../../../controlplane/balancer/nat/settings.ts';
import { planChange } from '../../../../controlplane/balancer/plan.ts';

const TABLE = 1021;
const backend = (name: string, more: Partial<BackendSpec> = {}): BackendSpec => ({
  ...{ name, address: `10.0.0.${name.charCodeAt(0)}`, weight: 100, state: 'active', port: 0, guePort: 6080 },
  ...more,
});
const spec = (...backends: readonly BackendSpec[]): BalancerSpec => ({
  pools: [{ name: 'web', backends }],
  services: [
    {
      ...{ name: 'www', pool: 'web', mode: 'l2', entropyBits: 0, snat: null, mss: 0, table: TABLE, clientIp: false },
      ...{ udp: 'hash', udpIdleSeconds: 0, quic: null, quorum: { up: 0.5, down: 0.25 }, echo: 'always' },
      ...{ fragments: 'drop', noBackend: 'drop', noService: 'drop' },
      frontends: [{ vip: '198.51.100.10/32', protocol: 'tcp', fromPort: 80, toPort: 80 }],
    },
  ],
  settings: {
    ...{ seed: 0, settleMs: 900_000, idleMs: 3_600_000, synBudget: 1, otherBudget: 1, answerBudget: 1 },
    ...{ sourceV4: null, sourceV6: null, blackholeVips: true, nat: defaultNatSettings },
  },
});

describe('planChange() without a balancer', () => {
  it('has everything new when nothing is known', async () => {
    const plan = await planChange(undefined, spec(backend('a')));
    expect(plan).toMatchObject({ services: { added: ['www'] }, vips: { added: ['198.51.100.10/32'] }, rings: [] });
  });

  it('tells the slots that would move since what was last told, and which of them settle', async () => {
    const before = spec(backend('a'), backend('b'));
    const added = await planChange(undefined, spec(backend('b'), backend('c'), backend('a')), before);
    const [ring] = added.rings;
    expect(added.backends).toMatchObject({ added: ['web/c'], removed: [], changed: [] });
    expect(Math.abs(ring!.moved / TABLE - 1 / 3)).toBeLessThan(0.05);
    expect(ring!.settling).toBe(ring!.moved);
    const removed = await planChange(undefined, spec(backend('a')), before);
    expect(Math.abs(removed.rings[0]!.moved / TABLE - 1 / 2)).toBeLessThan(0.05);
    expect(removed.rings[0]!.settling).toBe(0);
    expect(removed.breaks).toHaveLength(1);
    const drained = await planChange(undefined, spec(backend('a'), backend('b', { state: 'draining' })), before);
    expect(drained.rings[0]).toMatchObject({ settling: drained.rings[0]!.moved });
    expect((await planChange(undefined, before, before)).rings).toEqual([
      { pool: 'web', table: TABLE, moved: 0, settling: 0 },
    ]);
  });
});
