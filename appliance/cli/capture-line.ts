/** A captured packet in one line: when, where, what, and what became of it. */
import { formatIp } from '../../controlplane/netlink/index.ts';
import { networkHeader, type TapRecord } from '../../controlplane/tap/index.ts';

const protocolNames: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmp6', 132: 'sctp' };
const etherTypes: Readonly<Record<number, string>> = { 2054: 'ARP', 35020: 'LLDP', 34887: 'MPLS' };

export function packetLine(record: TapRecord, nameOf: (ifindex: number) => string, epoch: bigint): string {
  const { header } = record;
  const time = new Date(Number((header.time + epoch) / 1_000_000n)).toISOString().slice(11, 23);
  const egress = header.egress === 0 ? '' : ` → ${nameOf(header.egress)}`;
  return [
    time,
    nameOf(header.ingress) + egress,
    `${record.verdict}/${record.reason}`,
    describe(record.incoming),
    `${header.length} bytes`,
  ].join('  ');
}

/** Addresses and ports, as far as they are there. */
function describe(frame: Uint8Array): string {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const header = networkHeader(frame);
  if (!header) return 'truncated';
  const { type, at: l3 } = header;
  const tags = header.vlans.map((vlan) => `vlan ${vlan} `).join('');
  if (type === 0x0800 && l3 + 20 <= frame.length) {
    const protocol = frame[l3 + 9]!;
    const first = (view.getUint16(l3 + 6) & 0x1fff) === 0;
    const l4 = l3 + 4 * (frame[l3]! & 15);
    return (
      tags + ends(frame.subarray(l3 + 12, l3 + 16), frame.subarray(l3 + 16, l3 + 20), protocol, view, first ? l4 : -1)
    );
  }
  if (type === 0x86dd && l3 + 40 <= frame.length)
    return (
      tags + ends(frame.subarray(l3 + 8, l3 + 24), frame.subarray(l3 + 24, l3 + 40), frame[l3 + 6]!, view, l3 + 40)
    );
  return `${tags}${etherTypes[type] ?? `ethertype 0x${type.toString(16).padStart(4, '0')}`}`;
}

function ends(source: Uint8Array, destination: Uint8Array, protocol: number, view: DataView, l4: number): string {
  const name = protocolNames[protocol] ?? `proto ${protocol}`;
  const ports = (protocol === 6 || protocol === 17 || protocol === 132) && l4 >= 0 && l4 + 4 <= view.byteLength;
  const end = (address: Uint8Array, at: number): string => {
    const text = formatIp(address);
    if (!ports) return text;
    return address.length === 16 ? `[${text}]:${view.getUint16(at)}` : `${text}:${view.getUint16(at)}`;
  };
  return `${name} ${end(source, l4)} > ${end(destination, l4 + 2)}`;
}
