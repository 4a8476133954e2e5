/** Neighbors: what forwarding depends on is kept resolved, and those nobody resolves cost only so much. */

import {
  type NamedInterface,
  NeighborKeeper,
  type NeighborNews,
  neighborsFile,
} from '../../../controlplane/neighbors/index.ts';
import { formatMac, type Link } from '../../../controlplane/netlink/index.ts';
import type { Collectors } from '../../../monitoring/index.ts';
import type { Config } from '../../config/schema/index.ts';
import type { Part, PartContext, PartDefinition, Route } from '../part.ts';

/** A line of `headrace neighbors`. */
export interface NeighborRow {
  readonly interface: string;
  readonly address: string;
  readonly mac: string | null;
  readonly state: string;
  readonly use: 'gateway' | 'attached';
}

const words: Readonly<Record<NeighborNews['what'], string>> = {
  failed: 'does not answer',
  answers: 'answers again',
  moved: 'has another MAC address',
  'put back': 'was deleted and is put back',
};

class NeighborsPart implements Part {
  readonly name = 'neighbors';
  readonly #context: PartContext;
  readonly #keeper: NeighborKeeper;

  constructor(context: PartContext) {
    this.#context = context;
    this.#keeper = new NeighborKeeper({
      file: neighborsFile(context.paths),
      onNews: (news) => this.#log(news),
    });
  }

  apply({ neighbors }: Config): void {
    const { settings } = this.#context.plane.maps;
    settings.set(0, { ...settings.get(0)!, unresolved_per_second: neighbors.unresolved_per_second });
    this.#keeper.use(this.#interfaces());
    this.#keeper.configure({
      keep: neighbors.keep,
      timers: {
        baseReachableMs: neighbors.reachable,
        delayProbeMs: neighbors.delay,
        intervalProbeMs: neighbors.probe_interval,
      },
      limit: neighbors.limit,
    });
  }

  refresh(): void {
    this.#keeper.use(this.#interfaces());
  }

  tick(): void {
    this.#keeper.tick();
  }

  #interfaces(): NamedInterface[] {
    const { states, links } = this.#context.ports;
    return egressInterfaces(new Set(states.filter(({ mode }) => mode !== 'none').map(({ ifindex }) => ifindex)), links);
  }

  #nameOf(ifindex: number): string {
    return this.#context.ports.links.find(({ index }) => index === ifindex)?.name ?? String(ifindex);
  }

  #log({ ifindex, address, what, use }: NeighborNews): void {
    const { events } = this.#context;
    const where = { interface: this.#nameOf(ifindex), neighbor: address };
    if (what === 'failed' && use === 'gateway') events.emit('next_hop_failed', where);
    else events.emit('neighbor_changed', { ...where, use, change: words[what] });
  }

  notes(): readonly string[] {
    const notes = this.#keeper.refusals().map((refusal) => `a neighbor is not kept resolved: ${refusal}`);
    if (this.#keeper.surplus > 0)
      notes.push(
        `there are more neighbors than neighbors.limit lets be kept resolved: raise it, and the kernel's net.ipv4.neigh.default.gc_thresh1 to 3 with it`,
      );
    return notes;
  }

  rows(): NeighborRow[] {
    return this.#keeper.kept().map(({ ifindex, address, mac, state, use }) => ({
      interface: this.#nameOf(ifindex),
      address,
      mac: mac ? formatMac(mac) : null,
      state,
      use,
    }));
  }

  status(): unknown {
    const kept = this.#keeper.kept();
    return {
      kept: kept.length,
      resolved: kept.filter(({ mac }) => mac).length,
      surplus: this.#keeper.surplus,
      putBack: this.#keeper.putBack,
    };
  }

  routes(): Readonly<Record<string, Route>> {
    return { 'GET /neighbors': () => this.rows() };
  }

  metrics(): Collectors {
    return {
      managedNeighbors: () => {
        const counts = new Map<string, { labels: Record<string, string>; value: number }>();
        for (const { ifindex, family, use, mac } of this.#keeper.kept()) {
          const labels = {
            interface: this.#nameOf(ifindex),
            family: `ipv${family}`,
            use,
            resolved: mac ? 'yes' : 'no',
          };
          const key = Object.values(labels).join(' ');
          counts.set(key, { labels, value: (counts.get(key)?.value ?? 0) + 1 });
        }
        return [...counts.values()];
      },
      neighborFailures: () =>
        [...this.#keeper.failures].map(([ifindex, value]) => ({ labels: { interface: this.#nameOf(ifindex) }, value })),
      neighborsPutBack: () => [{ labels: {}, value: this.#keeper.putBack }],
      neighborsSurplus: () => [{ labels: {}, value: this.#keeper.surplus }],
    };
  }

  close(): void {
    this.#keeper.close();
  }
}

/** Where packets of these ports have their neighbors: on the port, on its bond, and on VLAN interfaces of either. */
export function egressInterfaces(ports: ReadonlySet<number>, links: readonly Link[]): NamedInterface[] {
  const found = new Set(ports);
  for (const { index, master, masterKind } of links)
    if (master && ports.has(index) && (masterKind === 'bond' || masterKind === 'team')) found.add(master);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const { index, kind, linkIndex } of links)
      if (kind === 'vlan' && linkIndex !== undefined && found.has(linkIndex)) found.add(index);
  }
  return links.filter(({ index }) => found.has(index)).map(({ index, name }) => ({ index, name }));
}

export const neighborsPart: PartDefinition = { create: (context) => new NeighborsPart(context) };
