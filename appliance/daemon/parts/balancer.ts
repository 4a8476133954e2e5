/**
 * The load balancer as a part of the daemon. What it does is in controlplane/balancer; here it is given the
 * configuration, the packet path's maps and a place for its files, and is asked questions.
 */
import path from 'node:path';
import { BalanceMemory } from '../../../controlplane/balancer/balance-memory.ts';
import { Balancer, monotonicMs } from '../../../controlplane/balancer/balancer.ts';
import { CapacityError } from '../../../controlplane/balancer/capacity-error.ts';
import type { AdminState } from '../../../controlplane/balancer/model.ts';
import { type ConnectionList, listConnections } from '../../../controlplane/balancer/nat/connections.ts';
import { collisions, localPorts } from '../../../controlplane/balancer/nat/local-ports.ts';
import { natMapsOf } from '../../../controlplane/balancer/nat/tables.ts';
import { KernelNextHops } from '../../../controlplane/balancer/next-hops.ts';
import { Overrides } from '../../../controlplane/balancer/overrides.ts';
import { planChange } from '../../../controlplane/balancer/plan.ts';
import { reportBackends, reportServices, trafficByService } from '../../../controlplane/balancer/report.ts';
import { addTraffic, noTraffic } from '../../../controlplane/balancer/traffic.ts';
import { VipRoutes } from '../../../controlplane/balancer/vip-routes.ts';
import { narrowWays } from '../../../controlplane/balancer/way-sizes.ts';
import { formatIp, parseIp } from '../../../controlplane/netlink/ip-address.ts';
import type { CompatSources } from '../../../monitoring/compat/index.ts';
import { balancerCollectors, natCollectors } from '../../../monitoring/index.ts';
import { renderProblem } from '../../config/problem.ts';
import type { Config } from '../../config/schema/index.ts';
import { balancerSpecOf } from '../balancer-spec.ts';
import { failure } from '../guard.ts';
import { type Part, type PartContext, type PartDefinition, RouteError, type RouteRequest } from '../part.ts';
import { StartError } from '../start-error.ts';

/** The stage costs nothing, not even memory, while there is no service. */
export const balancerPart: PartDefinition = {
  features: (config) => ({ feature_balance: hasServices(config), feature_nat: mayTranslate(config) }),
  create: (context) => new BalancerPart(context),
};

/** One that is set aside counts: it may be running. */
function hasServices(config: Config): boolean {
  return Object.keys(config.services).length > 0 || config.setAside.some(({ path: at }) => at.startsWith('services.'));
}

/** One that is set aside may be running in mode nat. */
function mayTranslate({ services, setAside }: Config): boolean {
  return (
    Object.values(services).some(({ forward }) => forward.mode === 'nat') ||
    setAside.some(({ path: at }) => at.startsWith('services.'))
  );
}

class BalancerPart implements Part {
  readonly name = 'balancer';
  readonly #context: PartContext;
  #config: Config | undefined;
  #running: { readonly balancer: Balancer; readonly memory: BalanceMemory; readonly hops: KernelNextHops } | undefined;
  #overrides: Overrides | undefined;
  readonly #routes = new VipRoutes();
  #routed: readonly string[] = [];
  #routeProblems: readonly string[] = [];

  constructor(context: PartContext) {
    this.#context = context;
  }

  /** @throws StartError for what does not fit. */
  check(config: Config): void {
    try {
      this.#overrides ??= new Overrides(path.join(this.#context.paths.state, 'overrides.json'));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new StartError(
        `cannot read what operators said of backends (${reason}): correct or remove ${this.#context.paths.state}/overrides.json`,
      );
    }
    const { balancer } = this.#running ?? {};
    if (balancer && hasServices(config))
      this.#asStartError(() => balancer.checkRoom(balancerSpecOf(config, balancer.spec)));
  }

  #asStartError(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw error instanceof CapacityError ? new StartError(error.message, { cause: error }) : error;
    }
  }

  async apply(config: Config): Promise<void> {
    if (!hasServices(config)) {
      this.#routed = [];
      await this.#routes.apply([]);
      this.#running?.hops.follow([]);
      this.#stop();
      this.#config = config;
      return;
    }
    this.#running ??= this.#start();
    const { balancer } = this.#running;
    const spec = balancerSpecOf(config, balancer.state.spec);
    const vips = spec.services.flatMap(({ frontends }) => frontends.map(({ vip }) => vip));
    const routed = spec.settings.blackholeVips ? vips : [];
    // Before packets are taken for a VIP, and after they no longer are, the kernel must not route it on.
    const before = balancer.spec.services.flatMap(({ frontends }) => frontends.map(({ vip }) => vip));
    this.#routed = spec.settings.blackholeVips ? [...vips, ...before] : [];
    await this.#routes.apply(this.#routed);
    try {
      await balancer.apply(spec);
    } catch (error) {
      throw error instanceof CapacityError ? new StartError(error.message, { cause: error }) : error;
    }
    this.#routed = routed;
    this.#routeProblems = await this.#routes.apply(routed);
    this.#config = config;
  }

  #start() {
    const { plane, paths, exchange, events } = this.#context;
    const memory = new BalanceMemory(() => plane.maps);
    const onError = (error: unknown): void => events.emit('part_failed', failure('balancer', 'work', error));
    const hops = new KernelNextHops(onError);
    const balancer = new Balancer({
      memory,
      hops,
      stateFile: path.join(paths.run, 'balancer.json'),
      health: exchange.health,
      overrides: this.#overrides!,
      onAnew: (error) => events.emit('balancer_state_unusable', { reason: String(error) }),
      onError,
    });
    const told = new Map<string, boolean>();
    balancer.onChange((service) => {
      const state = balancer.list().find(({ name }) => name === service);
      if (!state) {
        told.delete(service);
        events.emit('service_removed', { service });
      } else if (told.get(service) !== state.up) {
        told.set(service, state.up);
        const { usable, backends, reason } = state;
        if (state.up) events.emit('service_up', { service, usable, backends });
        else events.emit('service_down', { service, reason });
      }
    });
    balancer.onBackend(({ pool, spec, view }, before) =>
      events.emit('backend_changed', { pool, backend: spec.name, state: view.state, before, reason: view.reason }),
    );
    exchange.services.use(balancer);
    exchange.serviceWay = (service, pool, backend) => balancer.wayTo(service, pool, backend);
    return { balancer, memory, hops };
  }

  #stop(): void {
    if (!this.#running) return;
    this.#context.exchange.services.use(undefined);
    this.#context.exchange.serviceWay = () => undefined;
    const { balancer, memory, hops } = this.#running;
    this.#running = undefined;
    balancer.close();
    hops.close();
    memory.close();
  }

  /** Somebody may have removed a route of ours; and not everything that turns a way is told of. */
  refresh(cause: string): void {
    if (cause !== 'timer' || !this.#running) return;
    this.#running.hops.look();
    this.#routes.forget();
    void this.#routes.apply(this.#routed).then(
      (failed) => {
        this.#routeProblems = failed;
      },
      (error: unknown) => this.#context.events.emit('part_failed', failure('balancer', 'routes of VIPs', error)),
    );
  }

  tick(): void {
    this.#running?.balancer.tick();
  }

  problems(): readonly string[] {
    const aside = (this.#config?.setAside ?? []).map(
      (problem) => `set aside: ${renderProblem(problem).split('\n')[0]}`,
    );
    const routes = this.#routeProblems.map(
      (vip) => `no blackhole route for ${vip} could be made: the kernel may route on what the packet path leaves to it`,
    );
    const down = (this.#running?.balancer.list() ?? [])
      .filter(({ up }) => !up)
      .map(({ name, reason }) => `service ${name} is down: ${reason}`);
    return [...aside, ...routes, ...down];
  }

  notes(): readonly string[] {
    const warnings = (this.#config?.warnings ?? []).map((warning) => renderProblem(warning).split('\n')[0] ?? '');
    const overrides = (this.#overrides?.list() ?? []).map(
      ({ pool, backend, state }) =>
        `backend ${pool}/${backend} ${state === 'draining' ? 'drains' : 'is in maintenance'}, ordered by an operator: headrace backend undrain ${pool}/${backend} ends it`,
    );
    const { balancer, hops } = this.#running ?? {};
    const ports = balancer ? collisions(balancer.spec, localPorts()) : [];
    const ways = balancer ? narrowWays(balancer.spec, (address) => hops?.get(address)?.mtu) : [];
    return [...warnings, ...ports, ...ways, ...overrides];
  }

  status(): unknown {
    const { balancer } = this.#running ?? {};
    if (!balancer) return { services: 0, backends: 0 };
    const services = balancer.list();
    return {
      services: services.length,
      up: services.filter(({ up }) => up).length,
      backends: balancer.statuses().length,
      slots: balancer.arena,
      remembered: balancer.sweeper.entries,
      ...(balancer.nat.census && { translated: balancer.nat.connections }),
    };
  }

  balance() {
    if (!this.#running || this.#running.balancer.spec.services.length === 0) return undefined;
    const { balancer, memory } = this.#running;
    return { services: reportServices(balancer, memory), backends: reportBackends(balancer, memory) };
  }

  routes() {
    return {
      'GET /services': () => (this.#running ? reportServices(this.#running.balancer, this.#running.memory) : []),
      'GET /backends': () => this.#backends(),
      'GET /connections': (request: RouteRequest) => this.#connections(request),
      'POST /backends': (request: RouteRequest) => this.#say(request),
      'POST /plan': async ({ body }: RouteRequest) => {
        const config = body as Config;
        const { balancer } = this.#running ?? {};
        return planChange(balancer, balancerSpecOf(config, balancer?.spec));
      },
    };
  }

  #backends() {
    if (!this.#running) return [];
    const { checksOf } = this.#context.exchange;
    const reports = reportBackends(this.#running.balancer, this.#running.memory);
    return reports.map((report) => ({ ...report, checks: checksOf(report.pool, report.backend) }));
  }

  /** Translated connections: those that match the question, counted, and the first of them. */
  async #connections({ query }: RouteRequest): Promise<ConnectionList> {
    const { balancer, memory } = this.#running ?? {};
    const maps = memory && natMapsOf(memory.maps);
    if (!balancer || !maps) return { states: {}, matching: 0, connections: [] };
    const limit = Number(query.get('limit') ?? 100);
    if (!Number.isInteger(limit) || limit < 0) throw new RouteError(400, 'limit must be a whole number');
    const services = new Map(
      balancer.records.map(({ name, service }) => [balancer.state.services.numberOf(name), service ?? name]),
    );
    const backends = new Map(balancer.statuses().map(({ pool, spec, number }) => [number, `${pool}/${spec.name}`]));
    const gone = 'no longer configured';
    const names = {
      service: (number: number) => services.get(number) ?? gone,
      backend: (number: number) => backends.get(number) ?? gone,
    };
    const asked = (key: string): string | undefined => query.get(key) ?? undefined;
    const client = asked('client');
    const address = client === undefined ? undefined : parseIp(client);
    if (client !== undefined && !address) throw new RouteError(400, `${client} is not an IP address`);
    const filter = {
      service: asked('service'),
      backend: asked('backend'),
      state: asked('state'),
      client: address && formatIp(address.bytes),
    };
    return listConnections({ flows: maps.natFlows, opening: maps.natOpening }, names, filter, limit, monotonicMs);
  }

  /** An operator's word about a backend. */
  async #say({ body }: RouteRequest): Promise<unknown> {
    const { pool, backend, state, forMs } = (body ?? {}) as {
      readonly pool?: string;
      readonly backend?: string;
      readonly state?: AdminState | 'file';
      readonly forMs?: number;
    };
    const { balancer } = this.#running ?? {};
    const status = balancer?.statuses().find((each) => each.pool === pool && each.spec.name === backend);
    if (!balancer || !status || pool === undefined || backend === undefined)
      throw new RouteError(404, `there is no backend ${pool}/${backend}: see headrace backends`);
    if (state === 'file') {
      // An operator's word can always be taken back; the file's only there.
      if (!this.#overrides!.clear(pool, backend) && status.spec.state !== 'active')
        throw new RouteError(
          409,
          `${this.#context.configFile} says ${status.spec.state} of ${pool}/${backend}: change it there and reload`,
        );
    } else if (state === 'draining' || state === 'maintenance') this.#overrides!.set(pool, backend, state, forMs);
    else throw new RouteError(400, 'state must be draining, maintenance or file');
    this.#context.events.emit('backend_ordered', { pool, backend, state });
    await balancer.overridden(pool);
    return reportBackends(balancer, this.#running!.memory).find(
      (each) => each.pool === pool && each.backend === backend,
    );
  }

  compat(): Partial<CompatSources> {
    return {
      balance: () => {
        if (!this.#running) return undefined;
        const { balancer, memory } = this.#running;
        const traffic = [...trafficByService(balancer, memory).values()].reduce(addTraffic, noTraffic);
        return { services: balancer.spec.services, backends: balancer.statuses(), traffic };
      },
    };
  }

  metrics() {
    return { ...balancerCollectors(() => this.#running), ...natCollectors(() => this.#running) };
  }

  close(): void {
    this.#stop();
    this.#routes.close();
  }
}
