/** What going over to another configuration would change, said before it is done. */
import type { Balancer } from './balancer.ts';
import { CapacityError } from './capacity-error.ts';
import type { BackendSpec, BalancerSpec, ServiceSpec } from './model.ts';
import { ownersOf, ringsOf } from './ring-set.ts';
import { frontendName } from './service-records.ts';

export interface Changes {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly { readonly name: string; readonly what: readonly string[] }[];
}

export interface Plan {
  readonly services: Changes;
  /** `POOL/BACKEND`. */
  readonly backends: Changes;
  readonly vips: { readonly added: readonly string[]; readonly withdrawn: readonly string[] };
  /** Rings of pools that are there before and after; others move nobody. */
  readonly rings: readonly {
    readonly pool: string;
    readonly table: number;
    readonly moved: number;
    readonly settling: number;
  }[];
  /** Connections that would break, as far as it is known from the configuration. */
  readonly breaks: readonly string[];
  /** Why it would be refused; null: it would not. */
  readonly refused: string | null;
}

const nothing: BalancerSpec['pools'] = [];

/**
 * @param balancer undefined: none is running
 * @param last what one that no longer runs was told; undefined: everything is new
 */
export async function planChange(
  balancer: Balancer | undefined,
  wanted: BalancerSpec,
  last?: BalancerSpec,
): Promise<Plan> {
  const before = balancer?.spec ?? last ?? { pools: nothing, services: [], settings: wanted.settings };
  const vipsOf = (spec: BalancerSpec): Set<string> =>
    new Set(spec.services.flatMap(({ frontends }) => frontends.map(({ vip }) => vip)));
  const [old, next] = [vipsOf(before), vipsOf(wanted)];
  const rings: Plan['rings'][number][] = [];
  for (const [name, { pool, table }] of ringsOf(wanted)) {
    const preview = balancer ? await balancer.previewRing(wanted, name) : await previewUnseen(before, wanted, name);
    if (preview) rings.push({ pool, table, moved: preview.moved, settling: preview.settling });
  }
  const services = compare(before.services, wanted.services, ({ name }) => name, serviceChanges);
  const backends = compare(backendsOf(before), backendsOf(wanted), ({ name }) => name, backendChanges);
  return {
    services,
    backends,
    vips: {
      added: [...next].filter((vip) => !old.has(vip)),
      withdrawn: [...old].filter((vip) => !next.has(vip)),
    },
    rings,
    breaks: [
      ...breaksOf(before, wanted, services, backends),
      ...(balancer?.previewDown(wanted) ?? []).map(
        ({ name, reason }) => `service ${name} goes down (${reason}): VIPs that nothing else is behind are withdrawn`,
      ),
    ],
    refused: refusal(balancer, wanted),
  };
}

/** What would move if every backend were well, which only a running balancer knows. */
async function previewUnseen(before: BalancerSpec, wanted: BalancerSpec, name: string) {
  const ring = ringsOf(wanted).get(name);
  if (!ring || !ringsOf(before).has(name)) return undefined;
  const numbers = new Map<string, number>();
  const owners = ({ pools, settings }: BalancerSpec): Promise<Uint32Array> => {
    const members = (pools.find((pool) => pool.name === ring.pool)?.backends ?? []).filter(
      ({ state, weight }) => state === 'active' && weight > 0,
    );
    for (const member of members) numbers.set(member.name, numbers.get(member.name) ?? numbers.size + 1);
    return ownersOf(
      members,
      members.map((member) => numbers.get(member.name)!),
      ring.table,
      settings.seed,
    );
  };
  const [old, next] = [await owners(before), await owners(wanted)];
  const staying = wanted.pools.find((pool) => pool.name === ring.pool)?.backends ?? [];
  const living = new Set(staying.filter(({ state }) => state !== 'maintenance').map((each) => numbers.get(each.name)));
  const moves = [...old.keys()].filter((slot) => old[slot] !== next[slot]);
  return { moved: moves.length, settling: moves.filter((slot) => living.has(old[slot])).length };
}

function refusal(balancer: Balancer | undefined, wanted: BalancerSpec): string | null {
  try {
    balancer?.checkRoom(wanted);
    return null;
  } catch (error) {
    if (error instanceof CapacityError) return error.message;
    throw error;
  }
}

function breaksOf(before: BalancerSpec, wanted: BalancerSpec, services: Changes, backends: Changes): string[] {
  const breaks = backends.removed.map((name) => `backend ${name} is removed: drain it first to keep its connections`);
  for (const { name, what } of services.changed)
    for (const key of what)
      if (['pool', 'table', 'clientIp', 'fragments'].includes(key))
        breaks.push(`service ${name}: another ${key} sends connections to other backends`);
  for (const { name, what } of services.changed)
    for (const key of what)
      if (key.startsWith('-')) breaks.push(`service ${name} gives up ${key.slice(1)}: connections to it end`);
  for (const { name, what } of services.changed) {
    if (!what.includes('mode')) continue;
    const [old, next] = [before, wanted].map((spec) => spec.services.find((service) => service.name === name)?.mode);
    if (old === 'nat' || next === 'nat')
      breaks.push(`service ${name} goes from mode ${old} to ${next}: its connections end`);
  }
  if (before.services.length > 0 && before.settings.seed !== wanted.settings.seed)
    breaks.push('another seed sends connections of all services to other backends');
  for (const { name, what } of backends.changed)
    if (what.includes('address') || what.includes('port'))
      breaks.push(`backend ${name} has another ${what.includes('address') ? 'address' : 'port'}: its connections end`);
  const inMaintenance = new Set(
    backendsOf(wanted).flatMap(({ name, state }) => (state === 'maintenance' ? [name] : [])),
  );
  for (const { name, what } of backends.changed)
    if (what.includes('state') && inMaintenance.has(name))
      breaks.push(`backend ${name} goes into maintenance: its connections end; drain it first to keep them`);
  return breaks;
}

type NamedBackend = Omit<BackendSpec, 'name'> & { readonly name: string };

function backendsOf(spec: BalancerSpec): NamedBackend[] {
  return spec.pools.flatMap((pool) =>
    pool.backends.map((backend) => ({ ...backend, name: `${pool.name}/${backend.name}` })),
  );
}

function compare<T>(
  before: readonly T[],
  after: readonly T[],
  nameOf: (item: T) => string,
  differences: (a: T, b: T) => string[],
): Changes {
  const old = new Map(before.map((item) => [nameOf(item), item]));
  const next = new Map(after.map((item) => [nameOf(item), item]));
  return {
    added: [...next.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !next.has(name)),
    changed: [...next].flatMap(([name, item]) => {
      const former = old.get(name);
      const what = former === undefined ? [] : differences(former, item);
      return what.length > 0 ? [{ name, what }] : [];
    }),
  };
}

function serviceChanges(a: ServiceSpec, b: ServiceSpec): string[] {
  const changes = differingKeys(a, b).filter((key) => key !== 'frontends');
  const [old, next] = [a, b].map(({ frontends }) => new Set(frontends.map(frontendName)));
  for (const name of next!) if (!old!.has(name)) changes.push(`+${name}`);
  for (const name of old!) if (!next!.has(name)) changes.push(`-${name}`);
  return changes;
}

function backendChanges(a: NamedBackend, b: NamedBackend): string[] {
  return differingKeys(a, b);
}

function differingKeys<T extends object>(a: T, b: T): string[] {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof T & string>;
  return [...keys].filter((key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]));
}
