/**
 * What services look like in the packet path: a record for each address, protocol and port, and one for each VIP.
 *
 * Pure: from what is wanted to the list of records that must be there, each under a name that stays the same as long as
 * its key does. Numbers (of rings, of services) are put in by whoever hands them out.
 */
import { lbFragments, lbMode, lbRefusal, lbServiceFlag, lbUdp } from '../bpf/generated/headrace.ts';
import { mappedPrefix } from './bytes.ts';
import { type BalancerSpec, type Frontend, ringName, type ServiceSpec } from './model.ts';
import type { ServiceKey } from './packet-path/index.ts';

const protocolNumbers = { any: 0, tcp: 6, udp: 17 } as const;

export interface DesiredRecord {
  /** Unique, and tells records apart across reloads: `198.51.100.10/32 tcp 80`. */
  readonly name: string;
  /** The service it belongs to; undefined for the record of a VIP that no service takes as a whole. */
  readonly service: string | undefined;
  readonly key: ServiceKey;
  /** The VIP's own record, which is its first and its last. */
  readonly isVip: boolean;
  /** Name of the VIP's record. */
  readonly vip: string;
  /** Found by ranges of ports, not by the index. */
  readonly range: { readonly from: number; readonly to: number } | undefined;
  /** undefined: nobody answers. */
  readonly ring: string | undefined;
  readonly fields: ServiceFields;
  /** VIP: services whose pools decide whether a ping is answered; undefined: `flags` says it all. */
  readonly echoWhenUp: readonly string[] | undefined;
  /** VIP: the record that takes the fragments of a protocol that name no port. */
  readonly fragmentTcp: string | undefined;
  readonly fragmentUdp: string | undefined;
}

/** The fields of a record besides its key and numbers. */
export interface ServiceFields {
  readonly flags: number;
  readonly seed: number;
  readonly mode: number;
  readonly udp: number;
  readonly fragments: number;
  readonly no_backend: number;
  readonly no_service: number;
  readonly entropy_bits: number;
  readonly mss: number;
  readonly idle: number;
  readonly quic_id_offset: number;
  readonly quic_id_length: number;
  readonly quic_cid_length: number;
}

interface Claim {
  readonly service: ServiceSpec;
  readonly frontend: Frontend;
}

/** VIPs first, each followed by its services. */
export function desiredRecords(spec: BalancerSpec): DesiredRecord[] {
  const vips = new Map<string, Claim[]>();
  for (const service of spec.services)
    for (const frontend of service.frontends) {
      const claims = vips.get(frontend.vip);
      if (claims) claims.push({ service, frontend });
      else vips.set(frontend.vip, [{ service, frontend }]);
    }
  return [...vips].flatMap(([vip, claims]) => [
    vipRecord(vip, claims, spec),
    ...claims
      .filter(({ frontend }) => frontend.protocol !== 'any')
      .map(({ service, frontend }) => serviceRecord(service, frontend, spec)),
  ]);
}

export function frontendName({ vip, protocol, fromPort, toPort }: Frontend): string {
  if (protocol === 'any') return vip;
  const ports = fromPort === 0 ? 'any' : fromPort === toPort ? String(fromPort) : `${fromPort}-${toPort}`;
  return `${vip} ${protocol} ${ports}`;
}

function serviceRecord(service: ServiceSpec, frontend: Frontend, spec: BalancerSpec): DesiredRecord {
  const ranged = frontend.fromPort !== frontend.toPort;
  return {
    name: frontendName(frontend),
    service: service.name,
    key: keyOf(frontend.vip, protocolNumbers[frontend.protocol], frontend.fromPort),
    isVip: false,
    vip: frontend.vip,
    range: ranged ? { from: frontend.fromPort, to: frontend.toPort } : undefined,
    ring: ringName(service.pool, service.table),
    fields: { ...fieldsOf(service, spec), no_service: 0 },
    echoWhenUp: undefined,
    fragmentTcp: undefined,
    fragmentUdp: undefined,
  };
}

function vipRecord(vip: string, claims: readonly Claim[], spec: BalancerSpec): DesiredRecord {
  const first = claims[0]!.service;
  const whole = claims.find(({ frontend }) => frontend.protocol === 'any')?.service;
  const has = (test: (frontend: Frontend) => boolean): boolean => claims.some(({ frontend }) => test(frontend));
  const whichFollows = (protocol: 'tcp' | 'udp'): string | undefined => {
    const found = claims.find(
      ({ service, frontend }) => service.fragments === 'hash3' && frontend.protocol === protocol,
    );
    return found && frontendName(found.frontend);
  };
  const tracks = claims.some(({ service }) => service.fragments === 'track');
  const { flags, ...fields } = whole ? fieldsOf(whole, spec) : { ...fieldsOf(first, spec), mss: 0 };
  return {
    name: vip,
    service: whole?.name,
    key: keyOf(vip, 0, 0),
    isVip: true,
    vip,
    range: undefined,
    ring: whole && ringName(whole.pool, whole.table),
    fields: {
      ...fields,
      fragments: tracks ? lbFragments.TRACK : whole ? fields.fragments : lbFragments.DROP,
      no_service: lbRefusal[upper(first.noService)],
      flags:
        (whole ? flags : 0) |
        lbServiceFlag.VIP |
        (first.echo === 'always' ? lbServiceFlag.ECHO : 0) |
        (has(({ fromPort, toPort }) => fromPort !== toPort) ? lbServiceFlag.RANGES : 0) |
        (has(({ protocol, fromPort }) => protocol === 'tcp' && fromPort === 0) ? lbServiceFlag.ANY_TCP : 0) |
        (has(({ protocol, fromPort }) => protocol === 'udp' && fromPort === 0) ? lbServiceFlag.ANY_UDP : 0),
    },
    echoWhenUp: first.echo === 'when_healthy' ? [...new Set(claims.map(({ service }) => service.name))] : undefined,
    fragmentTcp: whichFollows('tcp'),
    fragmentUdp: whichFollows('udp'),
  };
}

function keyOf(vip: string, protocol: number, port: number): ServiceKey {
  const { address, length, host } = mappedPrefix(vip);
  return host ? { address, port, protocol } : { address, port, protocol, prefixLength: length };
}

function fieldsOf(service: ServiceSpec, { settings }: BalancerSpec): ServiceFields {
  return {
    flags:
      (service.clientIp ? lbServiceFlag.CLIENT_IP : 0) |
      (service.snat ? lbServiceFlag.SNAT : 0) |
      // Whose connections are tracked anyway needs no other table while slots move.
      (service.mode === 'nat' ? lbServiceFlag.REMEMBER_OFF : 0) |
      (service.entropyBits > 0 ? lbServiceFlag.ENTROPY : 0),
    seed: settings.seed,
    mode: lbMode[upper(service.mode)],
    udp: service.mode === 'nat' && service.udp === 'tracked' ? lbUdp.HASH : lbUdp[upper(service.udp)],
    fragments: lbFragments[upper(service.fragments)],
    no_backend: lbRefusal[upper(service.noBackend)],
    no_service: lbRefusal[upper(service.noService)],
    entropy_bits: service.entropyBits,
    mss: service.mss,
    idle: service.udpIdleSeconds,
    quic_id_offset: service.quic?.serverIdOffset ?? 0,
    quic_id_length: service.quic?.serverIdLength ?? 0,
    quic_cid_length: service.quic?.cidLength ?? 0,
  };
}

function upper<T extends string>(text: T): Uppercase<T> {
  return text.toUpperCase() as Uppercase<T>;
}

/** A range of ports as aligned blocks: the fewest prefixes that cover it. */
export function portBlocks(from: number, to: number): { readonly port: number; readonly bits: number }[] {
  const blocks: { port: number; bits: number }[] = [];
  for (let port = from; port <= to; ) {
    let size = port === 0 ? 65536 : port & -port;
    while (port + size - 1 > to) size >>= 1;
    blocks.push({ port, bits: 16 - Math.log2(size) });
    port += size;
  }
  return blocks;
}
