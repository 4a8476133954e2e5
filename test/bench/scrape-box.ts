/**
 * A balancer of many backends over real maps, with checks that are never due: what the exporter and the live views are
 * measured on.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BalanceMemory } from '../../controlplane/balancer/balance-memory.ts';
import { Balancer } from '../../controlplane/balancer/balancer.ts';
import type { BalancerSpec } from '../../controlplane/balancer/model.ts';
import { defaultNatSettings } from '../../controlplane/balancer/nat/settings.ts';
import type { NextHop, NextHops } from '../../controlplane/balancer/next-hops.ts';
import { Overrides } from '../../controlplane/balancer/overrides.ts';
import { backendTraffic, serviceTraffic } from '../../controlplane/balancer/traffic.ts';
import { maps } from '../../controlplane/bpf/generated/headrace.ts';
import { BpfObject } from '../../controlplane/bpf/index.ts';
import type { DataPlaneMaps } from '../../controlplane/dataplane/index.ts';
import { HealthMonitor } from '../../controlplane/health/index.ts';
import { repository } from '../lab/library/repository.ts';

/** Slots of a ring, as the configuration's default has them. */
const TABLE = 16381;

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

export class ScrapeBox implements Disposable {
  readonly balancer: Balancer;
  readonly memory: BalanceMemory;
  readonly monitor: HealthMonitor;
  readonly #object: BpfObject;
  readonly #maps: DataPlaneMaps;
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'headrace-scrape-'));

  private constructor() {
    this.#object = BpfObject.open(`${repository}/build/xdp/headrace.bpf.o`);
    this.#object.setConstants({ feature_balance: true });
    this.#object.load();
    this.#maps = Object.fromEntries(
      Object.entries(maps).map(([name, descriptor]) => [name, this.#object.map(descriptor as never)]),
    ) as DataPlaneMaps;
    this.memory = new BalanceMemory(() => this.#maps);
    this.monitor = new HealthMonitor({ make: () => () => new Promise(() => {}) });
    this.balancer = new Balancer({
      memory: this.memory,
      stateFile: path.join(this.#folder, 'balancer.json'),
      health: { verdict: () => 'up', settled: () => true, onChange: () => () => {} },
      hops,
      overrides: new Overrides(path.join(this.#folder, 'overrides.json')),
      onError: (error) => {
        throw error;
      },
    });
  }

  /** So many services, each with a pool of its own. Every backend has traffic to tell of. */
  static async make(services: number, backendsEach: number): Promise<ScrapeBox> {
    const box = new ScrapeBox();
    const spec = specOf(services, backendsEach);
    await box.balancer.apply(spec);
    box.monitor.configure(
      spec.pools.map(({ name: pool, backends }) => ({
        pool,
        panicBelow: 0,
        targets: backends.map(({ name: backend, address }) => ({ pool, backend, address, check: never })),
      })),
    );
    box.carry(1);
    return box;
  }

  /** Every service and backend has had so much traffic by now. */
  carry(times: number): void {
    const { lbTraffic } = this.memory.maps;
    const [ofServices, ofBackends] = [serviceTraffic(lbTraffic), backendTraffic(lbTraffic)];
    const traffic = (number: number) => ({
      packets: BigInt(number * times) * 1_000_003n,
      bytes: BigInt(number * times) * 1_500_000_001n,
      flows: BigInt(number * times) * 1009n,
    });
    for (const { number } of this.balancer.statuses()) ofBackends.set(number, traffic(number));
    for (const { name } of this.balancer.records) {
      const number = this.balancer.state.services.numberOf(name) ?? 0;
      ofServices.set(number, traffic(number));
    }
  }

  [Symbol.dispose](): void {
    this.balancer.close();
    this.monitor.close();
    this.memory.close();
    for (const map of Object.values(this.#maps)) map?.close();
    this.#object.close();
    rmSync(this.#folder, { recursive: true });
  }
}

/** Every so often, which is longer than any measurement. */
const never = {
  probes: [{ kind: 'tcp', port: 80 }],
  intervalMs: 3_600_000,
  fastIntervalMs: 3_600_000,
  timeoutMs: 1000,
  jitter: 0,
  rise: 2,
  fall: 3,
  holdDownMs: 0,
} as const;

function specOf(services: number, backendsEach: number): BalancerSpec {
  const indexes = Array.from({ length: services }, (_, i) => i);
  return {
    pools: indexes.map((i) => ({
      name: `pool-${i}`,
      backends: Array.from({ length: backendsEach }, (_, j) => ({
        name: `server-${i}-${j}`,
        address: `10.${i}.0.${j + 1}`,
        weight: 100,
        state: 'active',
        port: 0,
        guePort: 6080,
      })),
    })),
    services: indexes.map((i) => ({
      name: `service-${i}`,
      pool: `pool-${i}`,
      frontends: [{ vip: `198.51.100.${i}/32`, protocol: 'tcp', fromPort: 443, toPort: 443 }],
      mode: 'ipip',
      entropyBits: 0,
      snat: null,
      mss: 0,
      table: TABLE,
      clientIp: false,
      udp: 'hash',
      udpIdleSeconds: 0,
      quic: null,
      quorum: { up: 0.5, down: 0.25 },
      echo: 'when_healthy',
      fragments: 'drop',
      noBackend: 'drop',
      noService: 'drop',
    })),
    settings: {
      seed: 1,
      settleMs: 900_000,
      idleMs: 3_600_000,
      synBudget: 1000,
      otherBudget: 1000,
      answerBudget: 1000,
      sourceV4: null,
      sourceV6: null,
      blackholeVips: false,
      nat: defaultNatSettings,
    },
  };
}
