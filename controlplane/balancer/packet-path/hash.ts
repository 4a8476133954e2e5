/**
 * The hashes of the packet path, as xdp-programs/include/headrace/balance-abi.h defines them: where a service stands in
 * the index, and which slot of a ring a flow has. A test runs both on the same tuples.
 */
import { lbHashFactor as factor, lbIndexLayout } from '../../bpf/generated/headrace.ts';

const join = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low);
const A = join(factor.A_HIGH, factor.A_LOW);
const B = join(factor.B_HIGH, factor.B_LOW);
const C = join(factor.C_HIGH, factor.C_LOW);
const D = join(factor.D_HIGH, factor.D_LOW);
const E = join(factor.E_HIGH, factor.E_LOW);
const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);

/** 16 bytes, network byte order; IPv4 as ::ffff:a.b.c.d. */
export type Address = Uint8Array;

/** What a service is found by. Port and protocol 0: the VIP's own record. */
export interface ServiceKey {
  readonly address: Address;
  /** Host byte order. */
  readonly port: number;
  readonly protocol: number;
  /** Prefix length of the 128 bits, for a VIP that is a prefix. Default: it is a host's address. */
  readonly prefixLength?: number;
}

export interface KeyPlace {
  /** First entry of the index to look at. */
  readonly entry: number;
  readonly tag: number;
  /** Bit of the filter. */
  readonly filterBit: number;
}

/** The words of an address as the packet path reads them. */
function words(address: Address): readonly [bigint, bigint] {
  const view = new DataView(address.buffer, address.byteOffset, 16);
  return [view.getBigUint64(0, true), view.getBigUint64(8, true)];
}

const swap = (port: number): number => ((port & 0xff) << 8) | (port >> 8);

export function placeOf(key: ServiceKey): KeyPlace {
  const [high, low] = words(key.address);
  const where = wrap(high * A + low * B);
  const prefix = key.prefixLength === undefined ? 0 : key.prefixLength + 1;
  const rest = BigInt(swap(key.port)) | (BigInt(key.protocol) << 16n) | (BigInt(prefix) << 24n);
  let hash = wrap(where + rest * C);
  hash = wrap((hash ^ (hash >> 32n)) * D);
  hash ^= hash >> 32n;
  return {
    entry: Number(hash >> BigInt(lbIndexLayout.INDEX_SHIFT)),
    tag: Number(hash & 0xffff_ffffn),
    filterBit: Number(where >> BigInt(lbIndexLayout.FILTER_SHIFT)),
  };
}

/** What a flow is hashed by. Ports in host byte order. */
export interface FlowTuple {
  readonly source: Address;
  readonly destination: Address;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly protocol: number;
}

/** 64 bits. `seed`: the service's. */
export function flowHash(flow: FlowTuple, seed: number): bigint {
  const [s0, s1] = words(flow.source);
  const [d0, d1] = words(flow.destination);
  const ports = BigInt(swap(flow.sourcePort) + swap(flow.destinationPort) * 0x1_0000);
  const rest = ports | (BigInt(flow.protocol) << 32n);
  return finish(wrap(s0 * A + s1 * B + d0 * C + d1 * D + rest * E), seed);
}

/** By the client's address alone. */
export function clientHash(source: Address, seed: number): bigint {
  const [high, low] = words(source);
  return finish(wrap(high * A + low * B), seed);
}

function finish(sum: bigint, seed: number): bigint {
  let hash = wrap((sum ^ (sum >> 32n)) * D);
  hash = wrap((hash ^ (hash >> 29n)) * E);
  return hash ^ (hash >> 32n) ^ BigInt(seed) ^ (BigInt(seed) << 32n);
}

/** The slot of a ring of `size` slots. */
export function slotOf(hash: bigint, size: number): number {
  return Number(((hash >> 32n) * BigInt(size)) >> 32n);
}
