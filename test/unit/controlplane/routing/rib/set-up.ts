/** A small RIB with tables behind it, and routes in few words. */
import { NextHopTable, numberOf, SlotMemory, StrideTable } from '../../../../../controlplane/routing/fib/index.ts';
import {
  FibWriter,
  type Leg,
  mainTable,
  Rib,
  type RouteDescription,
} from '../../../../../controlplane/routing/rib/index.ts';

const atOnce = { mark: () => 0, passed: () => true };

export function leg(ifindex: number, host: number, size: 4 | 16 = 4): Leg {
  const gateway = new Uint8Array(size);
  gateway.set([192, 0, 2, host]);
  return { ifindex, gateway };
}

export function route(text: string, change: Partial<RouteDescription> = {}): RouteDescription {
  const [address, length] = text.split('/');
  const bytes = address!.split('.').map(Number);
  return {
    table: mainTable,
    address: Uint32Array.of(
      bytes.reduce((sum, byte) => (sum * 256 + byte) >>> 0, 0),
      0,
      0,
      0,
    ),
    length: Number(length),
    tos: 0,
    priority: 0,
    type: 1,
    protocol: 3,
    hop: { legs: [leg(2, 1)], plain: true },
    ...change,
  };
}

export function setUp(words: 1 | 4 = 1) {
  const rib = new Rib(words);
  const table = new StrideTable(words, new SlotMemory(new Uint32Array(256), new Uint32Array(512 * 256)), atOnce);
  const records = new NextHopTable(new DataView(new ArrayBuffer(32 * 64)), atOnce);
  const unresolved = new Set<number>();
  const writer = new FibWriter(rib, table, records, ({ ifindex, gateway }) =>
    unresolved.has(ifindex)
      ? undefined
      : {
          ifindex,
          mtu: 1500,
          destination: Uint8Array.of(2, 0, 0, 0, ifindex, gateway![3]!),
          source: Uint8Array.of(2, 0, 0, 0, 0, ifindex),
          vlan_protocol: 0,
          vlan_tag: 0,
        },
  );
  /** What a packet would do: 'ask', or interface and last byte of the gateway. */
  const answer = (address: number): string => {
    const number = numberOf(table.lookup(Uint32Array.of(address, 0, 0, 0)));
    if (number === 0 || !records.isReady(number)) return 'ask';
    const hop = records.read(number);
    return `${hop.ifindex}.${hop.destination[5]}`;
  };
  return { rib, table, records, writer, unresolved, answer };
}
