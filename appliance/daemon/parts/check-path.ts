/**
 * Health checks through the forwarding path (`via: vip`): keeps the devices and programs for them while a check wants
 * them, and tells the part that checks where each has to go.
 */
import os from 'node:os';
import { CheckPath, canCarryChecks } from '../../../controlplane/check-path/index.ts';
import type { Features } from '../../../controlplane/dataplane/index.ts';
import { asked, wayOf } from '../../config/check-ways.ts';
import type { Config } from '../../config/schema/index.ts';
import { probeObjectPath } from '../object-path.ts';
import type { Part, PartContext, PartDefinition } from '../part.ts';
import { StartError } from '../start-error.ts';

export const checkPathPart: PartDefinition = { create: (context) => new CheckPathPart(context) };

const nameOf = (pool: string, backend: string, service: string, vip: string): string =>
  [pool, backend, service, vip].join(' ');

/** What the configuration has checked, by name. */
function waysOf({ pools, services }: Config): Set<string> {
  const names = Object.entries(pools).flatMap(([pool, { backends, check }]) =>
    check?.via === 'vip'
      ? asked(check).flatMap(([, ask]) => {
          const way = wayOf(services, pool, check.vip, ask);
          return way ? Object.keys(backends).map((backend) => nameOf(pool, backend, way.service, way.vip)) : [];
        })
      : [],
  );
  return new Set(names);
}

class CheckPathPart implements Part {
  readonly name = 'check_path';
  readonly #context: PartContext;
  #path: CheckPath | undefined;
  /** What it was opened with. */
  #features: Features | undefined;
  #prefixes = '';
  #problems: readonly string[] = [];

  constructor(context: PartContext) {
    this.#context = context;
  }

  check(config: Config): void {
    const pool = Object.entries(config.pools).find(([, { check }]) => check?.via === 'vip')?.[0];
    if (pool !== undefined && !canCarryChecks())
      throw new StartError(
        `pools.${pool}.check.via: checks through the forwarding path need Linux 6.6, and this is ${os.release()}: write via: direct`,
      );
  }

  apply(config: Config): void {
    const wanted = Object.values(config.pools).some(({ check }) => check?.via === 'vip' && asked(check).length > 0);
    const { plane, exchange, paths } = this.#context;
    const { ipv4, ipv6 } = config.balancer.check_addresses;
    const prefixes = `${ipv4} ${ipv6}`;
    if (!wanted || !plane.maps.lbTables || this.#features !== plane.features || this.#prefixes !== prefixes)
      this.#end();
    if (!wanted || !plane.maps.lbTables) return;
    try {
      this.#path ??= CheckPath.open({
        objectPath: probeObjectPath,
        instance: paths.instance,
        maps: plane.maps,
        features: plane.features,
        prefixes: { 4: ipv4, 6: ipv6 },
      });
    } catch (error) {
      throw new StartError(
        `pools.NAME.check.via: the way for checks cannot be made: ${error instanceof Error ? error.message : error}`,
        { cause: error },
      );
    }
    this.#features = plane.features;
    this.#prefixes = prefixes;
    if (config.setAside.length === 0) this.#path.keep(waysOf(config));
    exchange.wayTo = (pool, backend, { service, vip }) => {
      if (!this.#path) return 'the way is not ready yet';
      const way = exchange.serviceWay(service, pool, backend);
      if (!way) return service === '' ? 'no service of the pool takes the port' : `service ${service} is not ready yet`;
      const name = nameOf(pool, backend, service, vip);
      return this.#path.destination(name, vip, way);
    };
    this.refresh();
  }

  /** Answers come in where packets do. */
  refresh(): void {
    if (this.#path) this.#problems = this.#path.follow(this.#context.plane.attached());
  }

  problems(): readonly string[] {
    return this.#problems.map((problem) => `answers to checks with via: vip may be missed: ${problem}`);
  }

  status(): unknown {
    return this.#path ? { device: this.#path.device.near.name, ways: this.#path.size } : null;
  }

  #end(): void {
    this.#context.exchange.wayTo = () => 'the way is not ready yet';
    this.#path?.close();
    this.#path = undefined;
    this.#problems = [];
  }

  close(): void {
    this.#end();
  }
}
