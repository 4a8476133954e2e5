/**
 * Where a sampled packet went, in sFlow's words (sflow.org/sflow_version_5.txt, "Input/output port information"): the
 * interface it left by, that it was for this box, or that it was discarded and why. What the kernel does with a packet
 * that was left to it is told only where there is no doubt; else it is 0, not known.
 */
import type { reason } from '../../controlplane/bpf/generated/headrace.ts';
import type { TapRecord } from '../../controlplane/tap/index.ts';

type ReasonName = Lowercase<keyof typeof reason>;
type ByReason = Readonly<Partial<Record<ReasonName, number>>>;

const NOT_KNOWN = 0;
/** There is no output interface: the packet was for the device itself. */
const INTERNAL = 0x3fffffff;
const DISCARDED = 0x40000000;

/** Codes below 256 are those of ICMP Destination Unreachable (RFC 1812, 5.2.7.1). */
const code = {
  netUnreachable: 0,
  hostUnreachable: 1,
  portUnreachable: 3,
  prohibited: 13,
  unknown: 256,
  ttlExceeded: 257,
  noBuffer: 259,
  rateLimited: 261,
  tooBig: 262,
} as const;

/** Dropped here, or answered in place of being sent on. */
const discarded: ByReason = {
  no_service: code.portUnreachable,
  no_backend: code.hostUnreachable,
  backend_unresolved: code.hostUnreachable,
  backend_unable: code.hostUnreachable,
  vip_ttl: code.ttlExceeded,
  vip_too_big: code.tooBig,
  nat_refused: code.rateLimited,
  nat_ports: code.noBuffer,
  no_neighbor_limited: code.rateLimited,
};

/** Left to the kernel, which discards all such packets. */
const discardedByKernel: ByReason = {
  blackhole: code.netUnreachable,
  unreachable: code.hostUnreachable,
  prohibit: code.prohibited,
  malformed: code.unknown,
  bad_checksum: code.unknown,
  reverse_path: code.unknown,
};

/** For this box, whether the kernel takes them or they are answered here. */
const own: ReadonlySet<string> = new Set<ReasonName>(['local', 'balanced_local', 'vip_echo']);

/** Protocols that no router sends on: ARP, LACP and its like, 802.1X, LLDP. */
const linkProtocols: ReadonlySet<number> = new Set([0x0806, 0x8809, 0x888e, 0x88cc]);
const tags: ReadonlySet<number> = new Set([0x8100, 0x88a8]);

export function outputOf({ verdict, reason: name, header, incoming }: TapRecord): number {
  const reason = name as ReasonName;
  if (verdict === 'drop' || verdict === 'aborted') return DISCARDED | (discarded[reason] ?? code.unknown);
  if (verdict === 'pass') {
    const why = discardedByKernel[reason];
    if (why !== undefined) return DISCARDED | why;
    return own.has(reason) || linkProtocols.has(etherTypeOf(incoming)) ? INTERNAL : NOT_KNOWN;
  }
  const refused = discarded[reason];
  if (refused !== undefined) return DISCARDED | refused;
  return own.has(reason) ? INTERNAL : header.egress;
}

/** Behind VLAN tags; 0 for what ends before. */
function etherTypeOf(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  for (let at = 12; at + 2 <= frame.length; at += 4) {
    const type = view.getUint16(at);
    if (!tags.has(type)) return type;
  }
  return 0;
}
