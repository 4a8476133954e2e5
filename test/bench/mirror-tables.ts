/** The mirror's tables of a program under measurement, filled with the lab's routes as the routing worker would. */
import { maps } from '../../controlplane/bpf/generated/headrace.ts';
import type { BpfMap, MapDescriptor, MappedMap } from '../../controlplane/bpf/index.ts';
import {
  NextHopTable,
  type ResolvedHop,
  SlotMemory,
  StrideTable,
  timedGrace,
} from '../../controlplane/routing/fib/index.ts';

/** IPv4 only. Every route goes by the one next hop. */
export function fillMirror(
  open: <K, V>(descriptor: MapDescriptor<K, V>) => BpfMap<K, V>,
  routes: Iterable<{ readonly address: number; readonly length: number }>,
  hop: ResolvedHop,
): void {
  const mapped: MappedMap[] = [];
  const view = <K, V>(descriptor: MapDescriptor<K, V>): DataView => {
    using map = open(descriptor);
    const memory = map.mmap();
    mapped.push(memory);
    return memory.view;
  };
  const words = (of: DataView): Uint32Array => new Uint32Array(of.buffer, of.byteOffset, of.byteLength / 4);
  const grace = timedGrace(0);
  const table = new StrideTable(
    1,
    new SlotMemory(words(view(maps.fibRoot4)), words(view(maps.fibGroups4))),
    grace,
    1_000_000,
  );
  const hops = new NextHopTable(view(maps.fibNextHops), grace);
  const number = hops.allocate();
  hops.resolve(number, hop);
  const address = new Uint32Array(1);
  for (const route of routes) {
    address[0] = route.address;
    table.set(address, route.length, number);
  }
  maps.fibTrust.value.write(view(maps.fibTrust), 0, {
    lease: 2n ** 63n,
    ipv4: 1,
    ipv6: 0,
    default4: 0,
    default6: 0,
    written: 1,
    reserved: 0,
  });
  for (const memory of mapped) memory.close();
}
