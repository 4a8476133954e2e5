/** What the control plane writes into the balance stage's maps, in real maps: services, backends, rings, and a restart. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BalanceMemory } from '../../controlplane/balancer/balance-memory.ts';
import { Balancer } from '../../controlplane/balancer/balancer.ts';
import { mappedAddress } from '../../controlplane/balancer/bytes.ts';
import type { BackendHealth, HealthVerdict } from '../../controlplane/balancer/health-source.ts';
import type { BackendSpec, BalancerSpec, ServiceSpec } from '../../controlplane/balancer/model.ts';
import { defaultNatSettings } from '../../controlplane/balancer/nat/settings.ts';
import type { NextHop, NextHops } from '../../controlplane/balancer/next-hops.ts';
import { Overrides } from '../../controlplane/balancer/overrides.ts';
import { planChange } from '../../controlplane/balancer/plan.ts';
import { lbBackendState, lbRingCodec, lbSlotLayout, maps } from '../../controlplane/bpf/generated/headrace.ts';
import { BpfObject } from '../../controlplane/bpf/index.ts';
import type { DataPlaneMaps } from '../../controlplane/dataplane/index.ts';

const SETTLE_MS = 1000;
const backend = (name: string, last: number, more: Partial<BackendSpec> = {}): BackendSpec => ({
  name,
  address: `10.0.2.${last}`,
  weight: 100,
  state: 'active',
  port: 0,
  guePort: 6080,
  ...more,
});
const service = (name: string, port: number, more: Partial<ServiceSpec> = {}): ServiceSpec => ({
  name,
  pool: 'web',
  frontends: [{ vip: '198.51.100.10/32', protocol: 'tcp', fromPort: port, toPort: port }],
  mode: 'ipip',
  entropyBits: 0,
  snat: null,
  mss: 0,
  table: 1021,
  clientIp: false,
  udp: 'hash',
  udpIdleSeconds: 0,
  quic: null,
  quorum: { up: 0.5, down: 0.25 },
  echo: 'when_healthy',
  fragments: 'drop',
  noBackend: 'drop',
  noService: 'drop',
  ...more,
});
const spec = (backends: readonly BackendSpec[], services = [service('www', 80)]): BalancerSpec => ({
  pools: [{ name: 'web', backends }],
  services,
  settings: {
    seed: 1,
    settleMs: SETTLE_MS,
    idleMs: 3_600_000,
    synBudget: 1000,
    otherBudget: 1000,
    answerBudget: 1000,
    sourceV4: null,
    sourceV6: null,
    blackholeVips: false,
    nat: defaultNatSettings,
  },
});

class FakeHealth implements BackendHealth {
  readonly verdicts = new Map<string, HealthVerdict>();
  readonly listeners = new Set<(pool: string) => void>();
  verdict(_pool: string, name: string): HealthVerdict {
    return this.verdicts.get(name) ?? 'up';
  }
  settled(): boolean {
    return ![...this.verdicts.values()].includes('unknown');
  }
  onChange(listener: (pool: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  say(name: string, verdict: HealthVerdict): void {
    this.verdicts.set(name, verdict);
    for (const listener of this.listeners) listener('web');
  }
}

const hop: NextHop = {
  local: false,
  ifindex: 3,
  mtu: 1500,
  mac: new Uint8Array([2, 0, 0, 0, 0, 9]),
  sourceMac: new Uint8Array([2, 0, 0, 0, 0, 1]),
  gateway: false,
  source: new Uint8Array([10, 0, 2, 1]),
  reason: '',
};
const hops: NextHops = { get: () => hop, follow: () => {}, onChange: () => () => {}, close: () => {} };

describe('the balancer', () => {
  let object: BpfObject;
  let current: DataPlaneMaps;
  let folder: string;
  let health: FakeHealth;
  let now: number;
  let memory: BalanceMemory;
  let balancer: Balancer;
  /** Of the arena, where it is to be small. */
  let lines: number | undefined;

  const start = (): Balancer => {
    memory = new BalanceMemory(() => current);
    if (lines !== undefined) Object.assign(memory.limits, { lines });
    return new Balancer({
      memory,
      stateFile: path.join(folder, 'balancer.json'),
      health,
      hops,
      overrides: new Overrides(path.join(folder, 'overrides.json')),
      now: () => now,
      onError: (error) => {
        throw error;
      },
    });
  };
  /** As a daemon that was killed and started again. */
  const restart = (): void => {
    balancer.close();
    memory.close();
    balancer = start();
  };
  beforeEach(() => {
    object = BpfObject.open('build/xdp/headrace.bpf.o');
    object.setConstants({ feature_balance: true });
    object.load();
    current = Object.fromEntries(
      Object.entries(maps).map(([name, descriptor]) => [name, object.map(descriptor as never)]),
    ) as DataPlaneMaps;
    folder = mkdtempSync(path.join(tmpdir(), 'headrace-'));
    health = new FakeHealth();
    now = 1_000_000;
    lines = undefined;
    balancer = start();
  });
  afterEach(() => {
    balancer.close();
    memory.close();
    for (const map of Object.values(current)) map.close();
    object.close();
    rmSync(folder, { recursive: true });
  });

  const record = (vip: string, protocol: number, port: number) => {
    const number = memory.index.find({ address: mappedAddress(vip), protocol, port }, () => true);
    return number === undefined ? undefined : { number, ...memory.services.read(number) };
  };
  /** Slots as packets see them. */
  const slotsOf = (ring: number): { current: number; previous: number }[] => {
    const place = memory.rings.records[(ring * lbRingCodec.size) / 8]!;
    const first = Number(place >> 32n);
    return Array.from({ length: Number(place & 0xffff_ffffn) }, (_, i) => {
      const word = memory.rings.slots[first + i]!;
      return { current: word & 0xffff, previous: word >>> lbSlotLayout.SLOT_PREVIOUS_SHIFT };
    });
  };
  /** The walk that may be under way, and one that began after. */
  const sweep = async (): Promise<void> => {
    await balancer.sweeper.run();
    await balancer.sweeper.run();
  };
  const www = () => slotsOf(record('198.51.100.10', 6, 80)!.ring);
  const numberOf = (name: string): number => balancer.statuses().find((status) => status.spec.name === name)!.number;
  const count = (
    slots: readonly { current: number; previous: number }[],
    test: (slot: { current: number; previous: number }) => boolean,
  ) => slots.filter(test).length;

  it('lets packets find a service, its ring and its backends', async () => {
    await balancer.apply(spec([backend('a', 11), backend('b', 12, { weight: 50 })]));
    const found = record('198.51.100.10', 6, 80)!;
    expect(found).toMatchObject({ protocol: 6, seed: 1, mode: 1 });
    expect(record('198.51.100.10', 0, 0)).toMatchObject({ ring: 0 });
    expect(record('198.51.100.10', 17, 80)).toBeUndefined();
    const slots = slotsOf(found.ring);
    expect(slots).toHaveLength(1021);
    expect(Math.abs(count(slots, ({ current: owner }) => owner === numberOf('b')) - 1021 / 3)).toBeLessThan(3);
    expect(count(slots, ({ previous }) => previous !== 0)).toBe(0);
    expect(memory.backends.read(numberOf('a'))).toMatchObject({
      state: lbBackendState.ALIVE | lbBackendState.RESOLVED,
      ifindex: 3,
      mtu: 1500,
    });
    expect(balancer.list()).toMatchObject([
      { name: 'www', up: true, ready: true, ratio: 1, vips: ['198.51.100.10/32'] },
    ]);
  });

  it.each([
    ['there is none', undefined],
    ['it is no JSON', () => '{'],
    ['it is of another layout', (text: string) => text.replace(/"layout":"\d+"/, '"layout":"1"')],
    ['it lacks what this build needs', (text: string) => JSON.stringify({ ...JSON.parse(text), services: {} })],
    ['it makes no sense', (text: string) => JSON.stringify({ ...JSON.parse(text), spec: { pools: 7 } })],
  ])('begins anew without a state: %s', async (_, change) => {
    const web = spec(
      [backend('a', 11)],
      [
        service('www', 80),
        service('range', 0, {
          frontends: [{ vip: '198.51.100.10/32', protocol: 'tcp', fromPort: 8000, toPort: 8100 }],
        }),
      ],
    );
    await balancer.apply(web);
    expect(record('198.51.100.10', 6, 80)).toBeDefined();
    const file = path.join(folder, 'balancer.json');
    if (change) writeFileSync(file, change(readFileSync(file, 'utf8')));
    else rmSync(file);
    restart();
    expect(record('198.51.100.10', 6, 80)).toBeUndefined();
    expect([...current.lbRanges!.keys()]).toEqual([]);
    expect(balancer.rings()).toEqual([]);
    const other = service('other', 80, {
      frontends: [{ vip: '198.51.100.11/32', protocol: 'tcp', fromPort: 80, toPort: 80 }],
    });
    await balancer.apply(spec([backend('b', 12)], [other]));
    expect(record('198.51.100.10', 6, 80)).toBeUndefined();
    expect(record('198.51.100.10', 0, 0)).toBeUndefined();
    expect(record('198.51.100.11', 6, 80)).toBeDefined();
  });

  it('drains by the file for as long as it says, though the clock on the wall is set', async () => {
    const drainMs = 60_000;
    await balancer.apply(spec([backend('a', 11), backend('b', 12, { state: 'draining', drainMs })]));
    const state = () => balancer.statuses().find(({ spec: { name } }) => name === 'b')?.view.state;
    const look = async () => {
      balancer.tick();
      await balancer.overridden('web');
    };
    const wall = Date.now();
    try {
      vi.spyOn(Date, 'now').mockReturnValue(wall + 3_600_000);
      await look();
      expect(state()).toBe('draining');
      vi.spyOn(Date, 'now').mockReturnValue(wall - 3_600_000);
      now += drainMs;
      await look();
      expect(state()).toBe('maintenance');
    } finally {
      vi.restoreAllMocks();
    }
  });

  it('settles the slots of a drained backend, pins them, and comes to rest', async () => {
    await balancer.apply(spec([backend('a', 11), backend('b', 12)]));
    const [a, b] = [numberOf('a'), numberOf('b')];
    const owned = count(www(), (slot) => slot.current === b);
    await balancer.apply(spec([backend('a', 11), backend('b', 12, { state: 'draining' })]));
    expect(count(www(), (slot) => slot.current === a && slot.previous === b)).toBe(owned);
    expect(balancer.isAlive(b)).toBe(true);
    now += SETTLE_MS;
    balancer.tick();
    expect(count(www(), (slot) => slot.previous === lbSlotLayout.PINNED)).toBe(owned);
    await sweep();
    expect(count(www(), (slot) => slot.previous !== 0)).toBe(0);
  });

  it('keeps a pinned slot as long as a connection is remembered in it', async () => {
    await balancer.apply(spec([backend('a', 11), backend('b', 12)]));
    const b = numberOf('b');
    const slot = www().findIndex((each) => each.current === b);
    await balancer.apply(spec([backend('a', 11), backend('b', 12, { state: 'draining' })]));
    const key = {
      source: [0, 0, 0xffff0000, 1],
      destination: [0, 0, 0xffff0000, 2],
      source_port: 1,
      destination_port: 80,
      protocol: 6,
      zero: new Uint8Array(3),
    };
    const { ring, number } = record('198.51.100.10', 6, 80)!;
    const seen = BigInt(Math.round(now)) * 1_000_000n;
    current.lbFlows!.set(key, { seen, ring, slot, backend: b, flags: 1, service: number });
    now += SETTLE_MS;
    balancer.tick();
    await sweep();
    expect(
      www()
        .map(({ previous }) => previous !== 0)
        .indexOf(true),
    ).toBe(slot);
    expect(count(www(), ({ previous }) => previous !== 0)).toBe(1);
    expect(balancer.sweeper.rememberedFor(b)).toBe(1);
    // It falls silent for longer than anybody is remembered.
    now += 3_700_000;
    await sweep();
    expect(count(www(), ({ previous }) => previous !== 0)).toBe(0);
    expect([...current.lbFlows!.keys()]).toEqual([]);
  });

  it('gives up a backend whose checks fail at once, and brings it back settling', async () => {
    await balancer.apply(spec([backend('a', 11), backend('b', 12), backend('c', 13)]));
    const b = numberOf('b');
    const owned = count(www(), (slot) => slot.current === b);
    health.say('b', 'down');
    await balancer.idle();
    expect(count(www(), (slot) => slot.current === b)).toBe(0);
    expect(balancer.isAlive(b)).toBe(false);
    expect(count(www(), (slot) => slot.previous !== 0)).toBeLessThan(1021 * 0.05);
    health.say('b', 'up');
    await balancer.idle();
    expect(count(www(), (slot) => slot.current === b && slot.previous !== 0)).toBe(owned);
  });

  it('takes a killed predecessor over without moving a slot, settling slots included', async () => {
    const wanted = spec([backend('a', 11), backend('b', 12, { state: 'draining' }), backend('c', 13)]);
    await balancer.apply(spec([backend('a', 11), backend('b', 12), backend('c', 13)]));
    await balancer.apply(wanted);
    const before = www();
    expect(count(before, ({ previous }) => previous !== 0)).toBeGreaterThan(0);
    const { number } = record('198.51.100.10', 6, 80)!;
    restart();
    await balancer.apply(wanted);
    expect(www()).toEqual(before);
    expect(record('198.51.100.10', 6, 80)?.number).toBe(number);
  });

  it('treats a configuration that changed meanwhile as a change like any other', async () => {
    await balancer.apply(spec([backend('a', 11), backend('b', 12)]));
    const b = numberOf('b');
    const owned = count(www(), (slot) => slot.current === b);
    restart();
    await balancer.apply(spec([backend('a', 11), backend('b', 12, { weight: 0 })]));
    expect(count(www(), (slot) => slot.previous === b)).toBe(owned);
    expect(numberOf('b')).toBe(b);
  });

  it('neither brings back nor takes away whom nobody has checked yet', async () => {
    const wanted = spec([backend('a', 11), backend('b', 12)]);
    health.verdicts.set('b', 'down');
    await balancer.apply(wanted);
    const before = www();
    restart();
    health.verdicts.set('a', 'unknown');
    health.verdicts.set('b', 'unknown');
    await balancer.apply(wanted);
    expect(www()).toEqual(before);
    expect(balancer.list()).toMatchObject([{ ready: false }]);
  });

  it('removes what is wanted no more, and uses its numbers again only when nobody names them', async () => {
    const two = [service('www', 80), service('mail', 25, { pool: 'mail', table: 509 })];
    const pools = { ...spec([backend('a', 11)], two) };
    await balancer.apply({ ...pools, pools: [...pools.pools, { name: 'mail', backends: [backend('m', 20)] }] });
    const m = numberOf('m');
    const used = balancer.arena.used;
    await balancer.apply(spec([backend('a', 11)]));
    expect(record('198.51.100.10', 6, 25)).toBeUndefined();
    expect(record('198.51.100.10', 6, 80)).toBeDefined();
    expect(balancer.isAlive(m)).toBe(false);
    // The rest of a packet may still come, and goes by the number.
    const packet = { source: [0, 0, 0, 1], destination: [0, 0, 0, 2], id: 7, protocol: 17 };
    current.lbFragments!.set(packet, { seen: BigInt(now) * 1_000_000n, service: 9, backend: m });
    await sweep();
    expect(balancer.state.backends.retired).toBe(1);
    now += 61_000;
    await sweep();
    expect(balancer.state.backends.retired).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(balancer.arena.used).toBeLessThan(used);
  });

  it('cuts ranges of ports into blocks, and finds prefixes and whole VIPs', async () => {
    const frontends = [
      { vip: '198.51.100.64/28', protocol: 'any' as const, fromPort: 0, toPort: 0 },
      { vip: '2001:db8::10/128', protocol: 'tcp' as const, fromPort: 8000, toPort: 8999 },
    ];
    await balancer.apply(spec([backend('a', 11)], [service('all', 0, { frontends })]));
    const ranges = [...current.lbRanges!.entries()];
    const covered = ranges.reduce((sum, [{ prefix_length: length }]) => sum + 2 ** (64 - length), 0);
    expect(covered).toBe(1000);
    const [[, vip] = []] = [...current.lbPrefixes!.entries()];
    expect(memory.services.read(vip!).ring).toBeGreaterThan(0);
    expect(current.lbSettings!.get(0)).toMatchObject({ prefixes: 1, syn_budget: 1000 });
    await balancer.apply(spec([backend('a', 11)], []));
    expect([[...current.lbRanges!.keys()], [...current.lbPrefixes!.keys()]]).toEqual([[], []]);
    expect(current.lbSettings!.get(0)?.prefixes).toBe(0);
  });

  it.each([
    ['grows', [1000, 2000], [1000, 3000]],
    ['shrinks', [1000, 3000], [1000, 2000]],
    ['moves', [1000, 2000], [1500, 2500]],
  ] as const)('loses no port when a range %s', async (_, [from, to], [nextFrom, nextTo]) => {
    const ranged = (fromPort: number, toPort: number) => [
      service('range', 0, { frontends: [{ vip: '198.51.100.10/32', protocol: 'tcp', fromPort, toPort }] }),
    ];
    await balancer.apply(spec([backend('a', 11)], ranged(from, to)));
    await balancer.apply(spec([backend('a', 11)], ranged(nextFrom, nextTo)));
    const covered = [...current.lbRanges!.keys()].flatMap(({ prefix_length: length, port }) => {
      const first = ((port & 0xff) << 8) | (port >> 8);
      return Array.from({ length: 2 ** (64 - length) }, (_, i) => first + i);
    });
    const wanted = Array.from({ length: nextTo - nextFrom + 1 }, (_, i) => nextFrom + i);
    expect(covered.sort((a, b) => a - b)).toEqual(wanted);
  });

  describe('killed in the middle of a reload', () => {
    const vip = (name: string, address: string, more: Partial<ServiceSpec> = {}): ServiceSpec =>
      service(name, 80, { frontends: [{ vip: address, protocol: 'tcp', fromPort: 80, toPort: 80 }], ...more });
    const frontends = [
      { vip: '198.51.100.64/28', protocol: 'any' as const, fromPort: 0, toPort: 0 },
      { vip: '2001:db8::10/128', protocol: 'tcp' as const, fromPort: 8000, toPort: 8999 },
    ];
    /** Ends where it has saved what it is about to do. */
    const dieIn = async (wanted: BalancerSpec): Promise<void> => {
      const follow = vi.spyOn(hops, 'follow').mockImplementation(() => {
        throw new Error('killed');
      });
      await expect(balancer.apply(wanted)).rejects.toThrow('killed');
      follow.mockRestore();
      restart();
    };

    it('enters what was to come', async () => {
      await balancer.apply(spec([backend('a', 11)]));
      const wanted = spec([backend('a', 11)], [service('all', 0, { frontends })]);
      await dieIn(wanted);
      await balancer.apply(wanted);
      expect([...current.lbRanges!.keys()].length).toBeGreaterThan(0);
      expect([...current.lbPrefixes!.keys()]).toHaveLength(1);
      expect(current.lbSettings!.get(0)?.prefixes).toBe(1);
    });

    it('takes away what was to go', async () => {
      const old = [vip('old', '198.51.100.20/32'), service('all', 0, { frontends }), service('www', 80)];
      const wanted = spec([backend('a', 11)]);
      await balancer.apply(spec([backend('a', 11)], old));
      await dieIn(wanted);
      await balancer.apply(wanted);
      expect(record('198.51.100.20', 6, 80)).toBeUndefined();
      expect(record('198.51.100.20', 0, 0)).toBeUndefined();
      expect(record('198.51.100.10', 6, 80)).toBeDefined();
      expect([[...current.lbRanges!.keys()], [...current.lbPrefixes!.keys()]]).toEqual([[], []]);
      expect(current.lbSettings!.get(0)?.prefixes).toBe(0);
      expect([...balancer.state.services.entries()].map(([name]) => name).sort()).toEqual([
        '198.51.100.10/32',
        '198.51.100.10/32 tcp 80',
      ]);
    });
  });

  it('waits for room that rings before it have just left', async () => {
    const pools = Array.from({ length: 10 }, (_, i) => ({
      name: `p${i}`,
      backends: [backend('a', 11), backend('b', 12)],
    }));
    const services = pools.map(({ name }, i) => service(name, i + 1, { pool: name }));
    const wanted = (state: 'active' | 'maintenance'): BalancerSpec => ({
      ...spec([], services),
      pools: pools.map(({ name, backends: [a, b] }) => ({ name, backends: [a!, { ...b!, state }] })),
    });
    // Each ring takes 64 lines: room for all, and for two more that move.
    lines = 12 * 64;
    restart();
    await balancer.apply(wanted('active'));
    expect(balancer.arena.used / balancer.arena.size).toBeCloseTo(10 / 12);
    await balancer.apply(wanted('maintenance'));
    const gone = new Set(
      balancer
        .statuses()
        .filter(({ view: { lives } }) => !lives)
        .map(({ number }) => number),
    );
    expect(gone.size).toBe(10);
    for (const { keeper } of balancer.rings())
      for (let slot = 0; slot < keeper.ring.size; slot += 97)
        expect(gone.has(keeper.ring.get(slot).current)).toBe(false);
  });

  it('says in a plan whose connections would end and which services go down', async () => {
    const [a, b] = [backend('a', 11), backend('b', 12)];
    await balancer.apply(spec([a, b]));
    const breaks = async (wanted: BalancerSpec): Promise<string[]> => [...(await planChange(balancer, wanted)).breaks];
    expect(await breaks(spec([a, { ...b, state: 'draining' }]))).toEqual([]);
    expect(await breaks(spec([a, { ...b, state: 'maintenance' }]))).toEqual([
      'backend web/b goes into maintenance: its connections end; drain it first to keep them',
    ]);
    const elsewhere = [service('www', 81)];
    expect(await breaks(spec([a, b], elsewhere))).toEqual([
      'service www gives up 198.51.100.10/32 tcp 80: connections to it end',
    ]);
    health.say('b', 'down');
    await balancer.idle();
    const strict = [service('www', 80, { quorum: { up: 1, down: 0.8 } })];
    expect(await breaks(spec([a, b], strict))).toEqual([
      'service www goes down (1 of 2 backends can take connections): VIPs that nothing else is behind are withdrawn',
    ]);
  });

  it('tells packets which backend gives out which QUIC server ids', async () => {
    const quic = { cidLength: 8, serverIdOffset: 1, serverIdLength: 2 };
    const services = [service('h3', 443, { udp: 'quic', quic })];
    const ids = () => [...current.lbQuicIds!.entries()].map(([{ server }, number]) => [server, number]).sort();
    await balancer.apply(
      spec([backend('a', 11, { quicServerId: 1 }), backend('b', 12, { quicServerId: 513 })], services),
    );
    expect(ids()).toEqual([
      [1, numberOf('a')],
      [513, numberOf('b')],
    ]);
    await balancer.apply(spec([backend('a', 11, { quicServerId: 2 })], services));
    expect(ids()).toEqual([[2, numberOf('a')]]);
  });

  it('refuses more than there is room for before anything changes', async () => {
    await balancer.apply(spec([backend('a', 11)]));
    const before = www();
    const many = Array.from({ length: 40 }, (_, i) => ({ name: `p${i}`, backends: [backend('a', 11)] }));
    const services = many.map(({ name }, i) => service(name, i + 1, { pool: name, table: 131071 }));
    await expect(balancer.apply({ ...spec([backend('a', 11)]), pools: many, services })).rejects.toThrow(
      /no room for rings/,
    );
    expect(www()).toEqual(before);
    expect(record('198.51.100.10', 6, 1)).toBeUndefined();
  });

  it('answers pings while the service is up', async () => {
    await balancer.apply(spec([backend('a', 11), backend('b', 12)]));
    const echo = (): number => record('198.51.100.10', 0, 0)!.flags & 4;
    expect(echo()).toBe(4);
    health.say('a', 'down');
    health.say('b', 'down');
    await balancer.idle();
    expect(echo()).toBe(0);
    expect(balancer.list()).toMatchObject([{ up: false, usable: 0 }]);
  });
});
