/** Mode nat under measurement: a box of its own, because its program is another, and connections written into its maps. */
import {
  lbMode,
  type NatFlow,
  type NatKey,
  natDirection,
  natFlowFlag,
  natState,
} from '../../controlplane/bpf/generated/headrace.ts';
import { be16, mapped, steady, TCP } from '../dataplane/balancer/box.ts';
import { NatBox } from '../dataplane/nat/box.ts';

export const NAT_VIP = '192.0.2.100';
/** The backend whose replies are measured; arrival gives the first flow this source port. */
export const NAT_BACKEND = '10.0.1.20';
const SERVED_AT = 1024;
export const CLIENTS = '100.64.0.0';
export const NAT_REPLY_PORT = 9000;
const REPLIES_TO = '10.0.1.2';
/** Connections that are there. */
export const NAT_FLOWS = 100_000;

const word = (text: string): number => new DataView(mapped(text).buffer).getUint32(12, true);
const MAPPED = 0xffff_0000;
const at = (last: number): number[] => [0, 0, MAPPED, last >>> 0];

/** As balance-bench.bpf.c spreads the numbers of flows. */
function mix(n: number): number {
  let x = Math.imul(n ^ (n >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A service in mode nat over one hundred backends, and one at the same VIP whose replies come to port 9000. */
export function natBench(slots: number, backends: number): NatBox {
  const box = new NatBox({}, { nat_opening: 524_288 });
  for (let i = 0; i < backends; i++)
    box.backend({ number: 100 + i, address: `10.0.1.${i + 20}`, behind: 'in0', natPort: SERVED_AT });
  box.ring(
    50,
    Array.from({ length: slots }, (_, i) => steady(100 + ((i * 7919) % backends))),
    { first: 0x2_0000 },
  );
  box.service({ number: 50, address: NAT_VIP, port: 90, protocol: TCP, mode: lbMode.NAT, ring: 50 });
  for (let i = 0; i < backends; i++) box.source(`10.0.1.${i + 20}`, SERVED_AT, TCP);
  box.setBudgets({ syn: 2 ** 31, other: 2 ** 31 });
  connect(box);
  return box;
}

/** Established connections, for the flows that arrivals of `NAT_FLOWS` flows have, and one for replies. */
function connect(box: NatBox): void {
  const entries: [NatKey, NatFlow][] = [];
  const seen = process.hrtime.bigint() + 3_600_000_000_000n;
  const zero = new Uint8Array(2);
  const known = { seen, touched: 0, service: 50, backend: 100 };
  const flow = { ...known, state: natState.ESTABLISHED, flags: natFlowFlag.REPLIED, sequence: 0, reserved: 0 };
  const backend = at(word(NAT_BACKEND));
  const vip = at(word(NAT_VIP));
  for (let i = 0; i < NAT_FLOWS; i++) {
    const number = mix(i);
    const client = at(word(CLIENTS) + (number & 0xffff_ff00));
    const clientPort = be16(1024 + (number & 0xff));
    const ports = { source_port: clientPort, destination_port: be16(90) };
    entries.push([
      { protocol: TCP, direction: natDirection.FORWARD, zero, source: client, destination: vip, ...ports },
      { ...flow, source: client, destination: backend, source_port: clientPort, destination_port: be16(SERVED_AT) },
    ]);
  }
  const target = at(word(REPLIES_TO));
  const ports = { source_port: be16(SERVED_AT), destination_port: be16(NAT_REPLY_PORT) };
  entries.push([
    { protocol: TCP, direction: natDirection.REPLY, zero, source: backend, destination: target, ...ports },
    { ...flow, source: vip, destination: target, source_port: be16(90), destination_port: be16(NAT_REPLY_PORT) },
  ]);
  for (let i = 0; i < entries.length; i += 4096) box.maps.natFlows!.updateBatch(entries.slice(i, i + 4096));
}
