/** What the control plane does for mode nat, in real maps: sources, pools of addresses, sweeps, and numbers set free. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BalanceMemory } from '../../../controlplane/balancer/balance-memory.ts';
import { Balancer } from '../../../controlplane/balancer/balancer.ts';
import { words } from '../../../controlplane/balancer/bytes.ts';
import type { BackendSpec, BalancerSpec, ServiceSpec } from '../../../controlplane/balancer/model.ts';
import { listConnections } from '../../../controlplane/balancer/nat/connections.ts';
import { at, peerKey } from '../../../controlplane/balancer/nat/entry.ts';
import { collisions, localPorts } from '../../../controlplane/balancer/nat/local-ports.ts';
import { defaultNatSettings, natStates } from '../../../controlplane/balancer/nat/settings.ts';
import { natSources } from '../../../controlplane/balancer/nat/sources.ts';
import type { NextHop } from '../../../controlplane/balancer/next-hops.ts';
import { Overrides } from '../../../controlplane/balancer/overrides.ts';
import { planChange } from '../../../controlplane/balancer/plan.ts';
import {
  lbServiceFlag,
  type NatFlow,
  type NatKey,
  natDirection,
  natFlowCodec,
  natKeyCodec,
  natState,
  natStateNames,
} from '../../../controlplane/bpf/generated/headrace.ts';
import { BpfObject } from '../../../controlplane/bpf/index.ts';
import { type DataPlaneMaps, sizeMaps, takeMaps } from '../../../controlplane/dataplane/index.ts';
import { be16, mapped } from '../balancer/box.ts';

const features = { feature_balance: true, feature_nat: true };
const backend = (name: string, last: number, port = 0): BackendSpec => ({
  name,
  address: `10.0.2.${last}`,
  weight: 100,
  state: 'active',
  port,
  guePort: 6080,
});
const frontend = (protocol: 'tcp' | 'udp' | 'any', from: number, to = from) =>
  ({ vip: '198.51.100.10/32', protocol, fromPort: from, toPort: to }) as const;
const service = (name: string, more: Partial<ServiceSpec> = {}): ServiceSpec => ({
  name,
  pool: 'web',
  frontends: [frontend('tcp', 80)],
  mode: 'nat',
  entropyBits: 0,
  snat: null,
  mss: 0,
  table: 1021,
  clientIp: false,
  udp: 'hash',
  udpIdleSeconds: 0,
  quic: null,
  quorum: { up: 0.5, down: 0.25 },
  echo: 'never',
  fragments: 'drop',
  noBackend: 'drop',
  noService: 'drop',
  ...more,
});
const spec = (backends: readonly BackendSpec[], services: readonly ServiceSpec[]): BalancerSpec => ({
  pools: [{ name: 'web', backends }],
  services,
  settings: {
    seed: 1,
    settleMs: 1000,
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
const hop: NextHop = {
  local: false,
  ifindex: 3,
  mtu: 1500,
  mac: new Uint8Array([2, 0, 0, 0, 0, 9]),
  sourceMac: new Uint8Array([2, 0, 0, 0, 0, 1]),
  gateway: true,
  source: new Uint8Array([10, 0, 2, 1]),
  reason: '',
};

describe('the tables of mode nat', () => {
  it('lie in memory as their walkers read them', () => {
    const key: NatKey = {
      source: words(mapped('1.2.3.4')),
      destination: words(mapped('5.6.7.8')),
      source_port: be16(0x1234),
      destination_port: be16(0x5678),
      protocol: 17,
      direction: natDirection.FORWARD,
      zero: new Uint8Array(2),
    };
    const flow: NatFlow = {
      seen: 99n,
      touched: 1,
      service: 7,
      source: words(mapped('9.9.9.9')),
      destination: words(mapped('10.0.0.1')),
      source_port: be16(1),
      destination_port: be16(2),
      backend: 3,
      state: natState.UDP,
      flags: 0,
      sequence: 0,
      reserved: 0,
    };
    const [keyBytes, valueBytes] = [Buffer.alloc(natKeyCodec.size), Buffer.alloc(natFlowCodec.size)];
    const view = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    natKeyCodec.write(view(keyBytes), 0, key);
    natFlowCodec.write(view(valueBytes), 0, flow);
    expect(valueBytes.readBigUInt64LE(at.value.seen)).toBe(99n);
    expect([valueBytes.readUInt32LE(at.value.service), valueBytes.readUInt16LE(at.value.backend)]).toEqual([7, 3]);
    expect(valueBytes[at.value.state]).toBe(natState.UDP);
    expect(natKeyCodec.read(view(peerKey(keyBytes, valueBytes)), 0)).toEqual({
      ...key,
      source: flow.destination,
      destination: flow.source,
      source_port: flow.destination_port,
      destination_port: flow.source_port,
      direction: natDirection.REPLY,
    });
  });

  it('have states in the order of the packet path', () => {
    expect(['none', ...natStates]).toEqual(natStateNames.slice(0, natStates.length + 1));
  });

  it('know where replies come from: ports of backends, of services, or any', () => {
    const at = (backends: BackendSpec[], ...frontends: ReturnType<typeof frontend>[]): string[] =>
      natSources(spec(backends, [service('s', { frontends })])).map(
        ({ text, port, protocol }) => `${text} ${port} ${protocol}`,
      );
    expect(at([backend('a', 2, 8080), backend('b', 3)], frontend('tcp', 80))).toEqual([
      '10.0.2.2 8080 6',
      '10.0.2.3 80 6',
    ]);
    expect(at([backend('a', 2)], frontend('udp', 100, 200))).toEqual(['10.0.2.2 0 17']);
    expect(at([backend('a', 2)], frontend('any', 0))).toEqual(['10.0.2.2 0 6', '10.0.2.2 0 17']);
    expect(natSources(spec([backend('a', 2)], [service('s', { mode: 'l2' })]))).toEqual([]);
  });
});

describe('ports that stand for clients', () => {
  const at = (ports: readonly [number, number] | null, addresses: readonly string[] = []) =>
    spec([backend('a', 2)], [service('www', { snat: { addresses, ports } })]);

  it('are said to collide with this host’s own where both are of one address', () => {
    const local = [32_768, 60_999] as const;
    expect(collisions(at(null), local)).toEqual([]);
    expect(collisions(at([30_000, 32_768]), local)[0]).toMatch(
      /^service www is seen by ports 30000-32768 of this host/,
    );
    expect(collisions(at([30_000, 40_000], ['192.0.2.1']), local)).toEqual([]);
    expect(collisions(at([61_000, 65_000]), local)).toEqual([]);
    expect(localPorts()).toBeDefined();
  });
});

describe('a plan', () => {
  it('says that another mode, or another port of a backend, ends connections', async () => {
    const before = spec([backend('a', 2, 80)], [service('www')]);
    const running = {
      spec: before,
      previewRing: async () => undefined,
      previewDown: () => [],
      checkRoom: () => {},
    } as unknown as Balancer;
    const breaks = async (wanted: BalancerSpec): Promise<string> => (await planChange(running, wanted)).breaks.join();
    expect(await breaks(before)).toBe('');
    expect(await breaks(spec([backend('a', 2, 80)], [service('www', { mode: 'l2' })]))).toMatch(/from mode nat to l2/);
    expect(await breaks(spec([backend('a', 2, 81)], [service('www')]))).toMatch(/another port/);
  });
});

describe('the control plane of mode nat', () => {
  let maps: DataPlaneMaps;
  let folder: string;
  let now: number;
  let memory: BalanceMemory;
  let balancer: Balancer;

  beforeEach(() => {
    using object = BpfObject.open('build/xdp/headrace.bpf.o');
    object.setConstants(features);
    sizeMaps(object, features);
    object.load();
    maps = takeMaps(object, features);
    folder = mkdtempSync(path.join(tmpdir(), 'headrace-'));
    now = 10_000_000;
    memory = new BalanceMemory(() => maps);
    balancer = new Balancer({
      memory,
      stateFile: path.join(folder, 'balancer.json'),
      health: { verdict: () => 'up', settled: () => true, onChange: () => () => {} },
      hops: { get: () => hop, follow: () => {}, onChange: () => () => {}, close: () => {} },
      overrides: new Overrides(path.join(folder, 'overrides.json')),
      now: () => now,
      onError: (error) => {
        throw error;
      },
    });
  });
  afterEach(() => {
    balancer.close();
    memory.close();
    for (const map of Object.values(maps)) map.close();
    rmSync(folder, { recursive: true });
  });

  /** A connection of a client, in both directions. */
  function connect(name: string, state: keyof typeof natState, seenAt: number, clientPort: number): void {
    const number = balancer.statuses().find((each) => each.spec.name === name)!;
    const ends = { client: words(mapped('203.0.113.9')), vip: words(mapped('198.51.100.10')) };
    const target = words(mapped(number.spec.address));
    const rest = { protocol: 6, zero: new Uint8Array(2) };
    const flow = {
      seen: BigInt(seenAt) * 1_000_000n,
      touched: 0,
      service: balancer.state.services.numberOf('198.51.100.10/32 tcp 80')!,
      backend: number.number,
      state: natState[state],
      flags: 0,
      sequence: 0,
      reserved: 0,
    };
    maps.natFlows!.set(
      {
        ...rest,
        source: ends.client,
        destination: ends.vip,
        source_port: clientPort,
        destination_port: be16(80),
        direction: 0,
      },
      { ...flow, source: ends.client, destination: target, source_port: clientPort, destination_port: be16(80) },
    );
    maps.natFlows!.set(
      {
        ...rest,
        source: target,
        destination: ends.client,
        source_port: be16(80),
        destination_port: clientPort,
        direction: 1,
      },
      { ...flow, source: ends.vip, destination: ends.client, source_port: be16(80), destination_port: clientPort },
    );
  }
  const entries = (): number => [...maps.natFlows!.keys()].length;

  it('writes sources while services want them, and settings and pools', async () => {
    await balancer.apply(spec([backend('a', 2, 8080)], [service('www')]));
    const bits = (): number => [...maps.natFilter!.entries()].filter(([, word]) => word !== 0n).length;
    expect([[...maps.natSources!.keys()].length, bits()]).toEqual([1, 1]);
    expect(maps.natIdle!.get(natState.ESTABLISHED)).toBe(7440);
    const number = balancer.state.services.numberOf('198.51.100.10/32 tcp 80')!;
    expect(memory.services.read(number).flags & lbServiceFlag.REMEMBER_OFF).not.toBe(0);
    expect([...maps.natPools!.keys()]).toEqual([]);
    const snat = { addresses: ['192.0.2.1', '192.0.2.2'], ports: [2000, 3000] } as const;
    await balancer.apply(spec([backend('a', 2, 8080)], [service('www', { snat })]));
    expect(maps.natPools!.get(number)).toMatchObject({ count: 2, port_first: 2000, port_last: 3000 });
    await balancer.apply(spec([backend('a', 2)], [service('www', { mode: 'ipip' })]));
    expect([[...maps.natSources!.keys()].length, bits(), [...maps.natPools!.keys()].length]).toEqual([0, 0, 0]);
  });

  it('sweeps out what is over, both halves, and counts what stays', async () => {
    await balancer.apply(spec([backend('a', 2), backend('b', 3)], [service('www')]));
    connect('a', 'ESTABLISHED', now - 7_000_000, 1);
    connect('a', 'ESTABLISHED', now - 8_000_000, 2);
    connect('b', 'CLOSED', now - 100_000, 3);
    connect('b', 'RESET', now - 11_000, 4);
    const census = await balancer.nat.walk();
    expect(census?.removed).toBe(2);
    expect(balancer.nat.connections).toMatchObject({ established: 1, closed: 1, reset: 0 });
    expect(entries()).toBe(4);
    const [a] = balancer.statuses();
    expect(balancer.rememberedFor(a!.number)).toBe(1);
  });

  it('takes out what stands alone, and what belongs to a backend that is gone', async () => {
    await balancer.apply(spec([backend('a', 2), backend('b', 3)], [service('www')]));
    connect('a', 'ESTABLISHED', now - 100_000, 1);
    connect('b', 'ESTABLISHED', now, 2);
    const half = [...maps.natFlows!.keys()].find(({ source_port, direction }) => source_port === 1 && direction === 0)!;
    maps.natFlows!.delete(half);
    await balancer.nat.walk();
    expect(entries()).toBe(2);
    await balancer.apply(spec([backend('a', 2)], [service('www')]));
    await balancer.nat.walk();
    expect(entries()).toBe(0);
  });

  it('gives the number of a backend to nobody while a connection names it', async () => {
    await balancer.apply(spec([backend('a', 2), backend('b', 3)], [service('www')]));
    connect('b', 'ESTABLISHED', now, 2);
    await balancer.apply(spec([backend('a', 2)], [service('www')]));
    expect(balancer.state.backends.retired).toBe(1);
    // Its entries go with the walk that finds it dead; only one begun after that finds it nowhere.
    await balancer.sweeper.run();
    await balancer.sweeper.run();
    expect([balancer.state.backends.retired, entries()]).toEqual([0, 0]);
  });

  it('rests while nothing is translated', async () => {
    await balancer.apply(spec([backend('a', 2)], [service('www')]));
    for (let i = 0; i < 5; i++, now += 60_000) await balancer.nat.run();
    expect(balancer.nat.sweeps).toBe(1);
    maps.natEvents!.set(0, 1n);
    await balancer.nat.run();
    expect(balancer.nat.sweeps).toBe(2);
  });

  it('lists connections by what is asked, and counts all of them', async () => {
    await balancer.apply(spec([backend('a', 2), backend('b', 3)], [service('www')]));
    for (let i = 0; i < 10; i++) connect(i < 7 ? 'a' : 'b', i % 2 ? 'ESTABLISHED' : 'FIN', now - 5000, be16(1000 + i));
    const names = { service: () => 'www', backend: (number: number) => String(number) };
    const tables = { flows: maps.natFlows!, opening: maps.natOpening! };
    const all = await listConnections(tables, names, {}, 3, () => now);
    expect([all.matching, all.states, all.connections.length]).toEqual([10, { established: 5, fin: 5 }, 3]);
    const [a] = balancer.statuses();
    const some = await listConnections(tables, names, { backend: String(a!.number), state: 'fin' }, 9, () => now);
    expect(some.matching).toBe(4);
    expect(some.connections[0]).toMatchObject({ vip: '198.51.100.10:80', target: '10.0.2.2:80', idleSeconds: 5 });
    expect((await listConnections(tables, names, { client: '203.0.113.8' }, 9, () => now)).matching).toBe(0);
  });
});
