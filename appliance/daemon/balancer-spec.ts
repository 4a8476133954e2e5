/** From the configuration file's words to what the balancer is asked for. */
import type {
  BalancerSettings,
  BalancerSpec,
  Frontend,
  PoolSpec,
  ServiceSpec,
} from '../../controlplane/balancer/model.ts';
import { type NatSettings, natStates } from '../../controlplane/balancer/nat/settings.ts';
import type { Config } from '../config/schema/index.ts';

/**
 * @param last what was asked for before: of services and pools that the file has wrong now, that goes on.
 */
export function balancerSpecOf(config: Config, last?: BalancerSpec): BalancerSpec {
  const services = Object.entries(config.services).map(([name, service]) => serviceOf(name, service, config));
  const pools = Object.entries(config.pools).map(([name, pool]) => poolOf(name, pool));
  const kept = last?.services.filter(({ name }) => isSetAside(config, 'services', name)) ?? [];
  const vips = new Set(services.flatMap((service) => service.frontends.map((frontend) => JSON.stringify(frontend))));
  // What another service has claimed since is that one's.
  const free = kept.filter(({ frontends }) => !frontends.some((frontend) => vips.has(JSON.stringify(frontend))));
  const missing = new Set(free.map(({ pool }) => pool).filter((name) => !pools.some((pool) => pool.name === name)));
  return {
    services: [...services, ...free],
    pools: [...pools, ...(last?.pools.filter(({ name }) => missing.has(name)) ?? [])],
    settings: settingsOf(config.balancer),
  };
}

function isSetAside(config: Config, section: 'services' | 'pools', name: string): boolean {
  return config.setAside.some(({ path }) => path === `${section}.${name}` || path.startsWith(`${section}.${name}.`));
}

function poolOf(name: string, { backends }: Config['pools'][string]): PoolSpec {
  return {
    name,
    backends: Object.entries(backends).map(([backend, said]) => ({
      name: backend,
      address: said.address,
      weight: said.weight,
      state: said.state,
      ...(said.drain === undefined ? {} : { drainMs: said.drain }),
      port: said.port ?? 0,
      guePort: said.gue_port,
      ...(said.quic_server_id === undefined ? {} : { quicServerId: said.quic_server_id }),
    })),
  };
}

function serviceOf(name: string, service: Config['services'][string], { balancer }: Config): ServiceSpec {
  const { forward, balance, quorum } = service;
  const { quic } = balance;
  return {
    name,
    pool: service.pool,
    frontends: service.frontends.flatMap(frontendsOf),
    mode: forward.mode,
    entropyBits: forward.entropy_bits,
    snat: snatOf(forward.snat),
    mss: forward.mss ?? 0,
    table: balance.table ?? balancer.table,
    clientIp: balance.affinity === 'client_ip',
    udp: balance.udp,
    udpIdleSeconds: Math.ceil((balance.udp_idle ?? 0) / 1000),
    quic: quic
      ? {
          cidLength: quic.cid_length,
          serverIdOffset: quic.server_id_offset,
          serverIdLength: quic.server_id_length,
        }
      : null,
    quorum: { up: quorum.up, down: quorum.down },
    echo: service.icmp_echo,
    fragments: service.fragments,
    noBackend: service.no_backend,
    noService: service.no_service,
  };
}

function snatOf(snat: Config['services'][string]['forward']['snat']): ServiceSpec['snat'] {
  if (snat === false) return null;
  return snat === true ? { addresses: [], ports: null } : { addresses: snat.addresses, ports: snat.ports ?? null };
}

function frontendsOf({ vip, tcp, udp, any }: Config['services'][string]['frontends'][number]): Frontend[] {
  return vip.flatMap((address) => {
    const prefix = address.includes('/') ? address : `${address}/${address.includes(':') ? 128 : 32}`;
    const ports = (['tcp', 'udp'] as const).flatMap((protocol) => {
      const list = { tcp, udp }[protocol];
      if (list === 'any') return [{ vip: prefix, protocol, fromPort: 0, toPort: 0 }];
      return (list ?? []).map((port) => {
        const [from = 0, to = from] = String(port).split('-').map(Number);
        return { vip: prefix, protocol, fromPort: from, toPort: to };
      });
    });
    return any ? [...ports, { vip: prefix, protocol: 'any' as const, fromPort: 0, toPort: 0 }] : ports;
  });
}

function settingsOf({
  seed,
  settle,
  idle,
  remember,
  answers,
  source,
  blackhole_vips,
  nat,
}: Config['balancer']): BalancerSettings {
  return {
    seed,
    settleMs: settle,
    idleMs: idle,
    synBudget: remember.syns,
    otherBudget: remember.others,
    answerBudget: answers,
    sourceV4: source.ipv4 ?? null,
    sourceV6: source.ipv6 ?? null,
    blackholeVips: blackhole_vips,
    nat: {
      idleSeconds: Object.fromEntries(
        natStates.map((state) => [state, Math.ceil(nat.idle[state] / 1000)]),
      ) as unknown as NatSettings['idleSeconds'],
      ports: nat.ports,
      routeStrays: nat.strays === 'route',
    },
  };
}
