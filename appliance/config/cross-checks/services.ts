/** Do services go with their pools, and with each other? */
import { SLOTS_A_MEMBER } from '../../../controlplane/balancer/maglev.ts';
import { parseIp, parsePrefix } from '../../../controlplane/netlink/ip-address.ts';
import type { CheckedConfig } from '../schema/index.ts';
import { nearest } from '../suggest.ts';
import type { Finding } from './finding.ts';
import { overlaps } from './overlaps.ts';

type Service = CheckedConfig['services'][string];

export function checkServices(config: CheckedConfig): Finding[] {
  return [
    ...Object.entries(config.services).flatMap(([name, service]) => checkService(name, service, config)),
    ...overlaps(config),
    ...disagreements(config),
    ...fragmentTakers(config),
  ];
}

function checkService(name: string, service: Service, config: CheckedConfig): Finding[] {
  const here = (...path: readonly PropertyKey[]): PropertyKey[] => ['services', name, ...path];
  const pool = Object.hasOwn(config.pools, service.pool) ? config.pools[service.pool] : undefined;
  if (!pool) {
    const known = Object.keys(config.pools);
    const guess = nearest(service.pool, known);
    const hint = guess ? `did you mean "${guess}"?` : `pools that can be used: ${known.join(', ') || 'none'}`;
    return [{ level: 'error', path: here('pool'), message: `there is no pool "${service.pool}"`, hint }];
  }
  const backends = Object.entries(pool.backends);
  const findings: Finding[] = [];
  const error = (path: PropertyKey[], message: string, hint?: string): void => {
    findings.push({ level: 'error', path, message, hint });
  };
  const warning = (path: PropertyKey[], message: string, hint?: string): void => {
    findings.push({ level: 'warning', path, message, hint });
  };

  const table = service.balance.table ?? config.balancer.table;
  if (backends.length === 0) warning(here('pool'), `pool "${service.pool}" has no backends`);
  if (backends.length > table)
    error(here('balance', 'table'), `${table} slots for ${backends.length} backends`, 'take a larger table');
  else if (backends.length * SLOTS_A_MEMBER > table)
    warning(
      here('balance', 'table'),
      `${table} slots for ${backends.length} backends: shares are coarse, and changes move more than they must`,
      `take a table of at least ${backends.length * SLOTS_A_MEMBER} slots, before the service has traffic`,
    );

  const { mode } = service.forward;
  for (const [index, { vip }] of service.frontends.entries())
    for (const address of vip) {
      const at = here('frontends', index, 'vip');
      if (isMulticast(address)) error(at, `${address} is a multicast address`);
      if (mode === 'l2' || mode === 'nat')
        for (const [backend, { address: to }] of backends)
          if (familyOf(to) !== familyOf(address))
            error(
              at,
              `${address} and backend "${backend}" (${to}) are of different families, which ${mode} cannot bridge`,
              'use forward.mode ipip or gue, or a pool for each family',
            );
      for (const [backend, { address: to }] of backends)
        if (to === address)
          error(at, `backend "${backend}" has the address of the VIP itself`, 'give the address of its own');
    }

  if (service.forward.snat && mode !== 'nat') error(here('forward', 'snat'), 'only goes with mode nat');
  if (mode === 'nat') checkNat(service, config, { here, error, warning });
  if (service.forward.entropy_bits > 0 && mode !== 'ipip')
    error(here('forward', 'entropy_bits'), 'only goes with mode ipip');
  const { quic, udp } = service.balance;
  if (udp === 'quic' && !quic)
    error(
      here('balance', 'udp'),
      'needs to know the connection ids',
      'add, for example: quic: { cid_length: 8, server_id_length: 2 }',
    );
  if (quic && udp !== 'quic') error(here('balance', 'quic'), 'only goes with udp: quic');
  if (quic && quic.server_id_offset + quic.server_id_length > quic.cid_length)
    error(here('balance', 'quic'), `the server id ends beyond the ${quic.cid_length} bytes of the connection id`);
  if (quic && udp === 'quic') checkServerIds(quic.server_id_length, service.pool, backends, { here, error, warning });
  return findings;
}

type Backend = CheckedConfig['pools'][string]['backends'][string];

/** Each backend has to be told from the others by its id. */
function checkServerIds(
  length: number,
  pool: string,
  backends: readonly (readonly [string, Backend])[],
  { here, error, warning }: Said,
): void {
  const at = here('balance', 'quic');
  const owners = new Map<number, string>();
  for (const [name, { quic_server_id: id }] of backends) {
    if (id === undefined) {
      warning(
        at,
        `backend "${name}" has no server id: its connections end when their clients change address`,
        `add quic_server_id to it in pool "${pool}"`,
      );
      continue;
    }
    const other = owners.get(id);
    if (id >= 256 ** length) error(at, `the server id ${id} of backend "${name}" has more than ${length} bytes`);
    else if (other) error(at, `backends "${other}" and "${name}" have the same server id, ${id}`);
    owners.set(id, name);
  }
}

interface Said {
  readonly here: (...path: readonly PropertyKey[]) => PropertyKey[];
  readonly error: (path: PropertyKey[], message: string, hint?: string) => void;
  readonly warning: (path: PropertyKey[], message: string, hint?: string) => void;
}

/** What only a service that translates can have wrong. */
function checkNat(service: Service, config: CheckedConfig, { here, error, warning }: Said): void {
  const { snat } = service.forward;
  const vips = Object.values(config.services).flatMap(({ frontends }) => frontends.flatMap(({ vip }) => vip));
  const family = familyOf(service.frontends[0]?.vip[0] ?? '');
  for (const address of typeof snat === 'object' ? snat.addresses : []) {
    if (familyOf(address) !== family)
      error(here('forward', 'snat', 'addresses'), `${address} is of another family than the VIP`);
    if (vips.includes(address))
      error(
        here('forward', 'snat', 'addresses'),
        `${address} is a VIP too: what backends answer would be taken for packets of its clients`,
        'take an address that is nothing else',
      );
  }
  if (service.fragments === 'hash3')
    warning(
      here('fragments'),
      'mode nat tracks connections by their ports, so fragments that come before their first one are dropped',
      'track says as much',
    );
}

/** Policies of a VIP that several services share: the first decides, which a later one may not expect. */
function disagreements({ services }: CheckedConfig): Finding[] {
  const findings: Finding[] = [];
  for (const key of ['icmp_echo', 'no_service'] as const) {
    const first = new Map<string, { name: string; value: string }>();
    for (const [name, service] of Object.entries(services))
      for (const vip of service.frontends.flatMap((frontend) => frontend.vip)) {
        const decided = first.get(vip);
        if (!decided) first.set(vip, { name, value: service[key] });
        else if (decided.value !== service[key] && decided.name !== name)
          findings.push({
            level: 'warning',
            path: ['services', name, key],
            message: `${vip} is also a VIP of service "${decided.name}", whose ${key}: ${decided.value} holds`,
            hint: 'give both the same',
          });
      }
  }
  return findings;
}

/** Later fragments name no port: of a VIP and a protocol, one service with `fragments: hash3` takes them all. */
function fragmentTakers({ services, balancer }: CheckedConfig): Finding[] {
  const findings: Finding[] = [];
  const takers = new Map<string, { name: string; ring: string }>();
  for (const [name, { frontends, fragments, pool, balance }] of Object.entries(services)) {
    if (fragments !== 'hash3') continue;
    const ring = `${pool} ${balance.table ?? balancer.table}`;
    for (const { vip, tcp, udp } of frontends)
      for (const address of vip)
        for (const protocol of [...(tcp ? ['TCP'] : []), ...(udp ? ['UDP'] : [])]) {
          const taker = takers.get(`${address} ${protocol}`);
          if (!taker) takers.set(`${address} ${protocol}`, { name, ring });
          else if (taker.name !== name && taker.ring !== ring)
            findings.push({
              level: 'warning',
              path: ['services', name, 'fragments'],
              message: `later fragments of ${protocol} to ${address} go to the pool of service "${taker.name}", for they name no port`,
              hint: 'use fragments: track, or an address of its own',
            });
        }
  }
  return findings;
}

function familyOf(text: string): 4 | 6 {
  return text.includes(':') ? 6 : 4;
}

function isMulticast(text: string): boolean {
  const address = parseIp(text) ?? parsePrefix(text);
  if (!address) return false;
  return address.family === 4 ? address.bytes[0]! >= 224 : address.bytes[0] === 0xff;
}
