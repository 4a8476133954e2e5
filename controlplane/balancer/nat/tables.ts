/**
 * What the packet path must know to translate: where replies come from, the addresses and ports that stand for clients,
 * and how long connections last. Written as it is wanted, whatever stands there.
 *
 * Replies are recognized before a service sends anything to its backends, and until it no longer does: `widen` comes
 * before services change, `narrow` after.
 */
import { natLayout, natState } from '../../bpf/generated/headrace.ts';
import type { DataPlaneMaps } from '../../dataplane/index.ts';
import { mappedAddress, networkPort, words } from '../bytes.ts';
import type { BalancerSpec } from '../model.ts';
import { placeOf } from '../packet-path/hash.ts';
import { natStates, type SnatSpec } from './settings.ts';
import { type NatSource, natSources } from './sources.ts';

/** The maps of the feature, which are there or not, all at once. */
export type NatMaps = {
  readonly [Name in keyof DataPlaneMaps as Name extends `nat${string}` ? Name : never]-?: Exclude<
    DataPlaneMaps[Name],
    undefined
  >;
};

/** @returns undefined while no service translates */
export function natMapsOf(maps: DataPlaneMaps): NatMaps | undefined {
  return maps.natFlows ? (maps as unknown as NatMaps) : undefined;
}

/** What a service's number is; undefined for one that has none. */
export type RecordsOf = (service: string) => readonly number[];

export class NatTables {
  readonly #maps: NatMaps;

  constructor(maps: NatMaps) {
    this.#maps = maps;
  }

  /** Settings, and sources of both. */
  widen(before: BalancerSpec, wanted: BalancerSpec): void {
    const { nat } = wanted.settings;
    for (const state of natStates) {
      const number = natState[state.toUpperCase() as Uppercase<typeof state>];
      this.#maps.natIdle.set(number, nat.idleSeconds[state]);
    }
    const [port_first, port_last] = nat.ports;
    this.#maps.natSettings.set(0, { port_first, port_last, route_strays: Number(nat.routeStrays) });
    this.#writeSources([...natSources(before), ...natSources(wanted)]);
  }

  narrow(wanted: BalancerSpec): void {
    this.#writeSources(natSources(wanted));
  }

  /** Pools of addresses, by the numbers of the records of their services. */
  writePools(wanted: BalancerSpec, recordsOf: RecordsOf): void {
    const pools = new Map<number, SnatSpec>();
    for (const { name, snat } of wanted.services)
      if (snat && (snat.addresses.length > 0 || snat.ports))
        for (const number of recordsOf(name)) pools.set(number, snat);
    for (const number of [...this.#maps.natPools.keys()]) if (!pools.has(number)) this.#maps.natPools.delete(number);
    for (const [number, { addresses, ports }] of pools) {
      const all = addresses.flatMap((address) => words(mappedAddress(address)));
      const [port_first, port_last] = ports ?? [0, 0];
      this.#maps.natPools.set(number, {
        count: addresses.length,
        port_first,
        port_last,
        addresses: [...all, ...Array<number>(natLayout.POOL_ADDRESSES * 4 - all.length).fill(0)],
      });
    }
  }

  /** The filter lets through before the list has them, and no longer than it has them. */
  #writeSources(sources: readonly NatSource[]): void {
    const filter = new BigUint64Array(natLayout.FILTER_WORDS);
    for (const { address } of sources) {
      const bit = placeOf({ address, port: 0, protocol: 0 }).filterBit;
      filter[bit >> 6]! |= 1n << BigInt(bit % 64);
    }
    const wanted = new Map(sources.map((source) => [keyOf(source), source]));
    const { natSources: list, natFilter } = this.#maps;
    for (const { address, port, protocol } of wanted.values())
      list.set({ address: words(address), port: networkPort(port), protocol, zero: 0 }, 1);
    for (let word = 0; word < filter.length; word++)
      if (natFilter.get(word) !== filter[word]) natFilter.set(word, filter[word]!);
    for (const key of [...list.keys()])
      if (!wanted.has(`${key.address.join()} ${key.port} ${key.protocol}`)) list.delete(key);
  }
}

function keyOf({ address, port, protocol }: NatSource): string {
  return `${words(address).join()} ${networkPort(port)} ${protocol}`;
}
