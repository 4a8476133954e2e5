/**
 * How long a VIP takes to the neighbor and back: from the change of a service's state to the moment when the neighbor's
 * kernel has, or lacks, the route. Over a real BGP session of BIRD with BIRD and of FRR with FRR, by the configurations
 * of docs/guides/announce-vips.md. The neighbor's own work is part of it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { RouteMonitor } from '../../controlplane/netlink/index.ts';
import { AnnounceLab, announceDefaults, TestServices } from '../lab/library/announce-lab.ts';
import type { Host } from '../lab/library/host.ts';
import { until } from '../lab/library/wait.ts';
import { summarize } from './statistics.ts';

export interface AnnounceTiming {
  readonly daemon: 'bird' | 'frr';
  readonly change: 'announce' | 'withdraw';
  /** Milliseconds, sorted. */
  readonly samples: readonly number[];
  readonly median: number;
}

interface AnnounceOptions {
  readonly json: boolean;
  readonly rounds: number;
}

const VIP = '198.51.100.10/32';

/** When a host's kernel gains or loses the VIP's route. */
class Neighbor {
  readonly #monitor: RouteMonitor;
  #waiting: { readonly present: boolean; readonly seen: (at: number) => void } | undefined;

  constructor(host: Host) {
    this.#monitor = RouteMonitor.open({
      groups: ['route4'],
      netns: host.path,
      onOverrun: () => undefined,
      onEvent: (event) => {
        if (event.kind !== 'route' || event.route.table !== 254 || event.route.word0 !== 0xc633640a) return;
        if (this.#waiting?.present === (event.action === 'new')) this.#waiting.seen(performance.now());
      },
    });
  }

  next(present: boolean): Promise<number> {
    return new Promise((seen) => {
      this.#waiting = { present, seen };
    });
  }

  close(): void {
    this.#monitor.close();
  }
}

export async function benchAnnounce(rounds: number): Promise<AnnounceTiming[]> {
  const lab = new AnnounceLab('annbench');
  const neighbors: Neighbor[] = [];
  try {
    await lab.start();
    const services = new TestServices();
    services.set('www', [VIP], { up: false });
    const announcer = lab.announcer(services);
    await lab.apply(announcer, announceDefaults);
    const results: AnnounceTiming[] = [];
    for (const [daemon, host] of [
      ['bird', lab.west],
      ['frr', lab.east],
    ] as const) {
      const neighbor = new Neighbor(host);
      neighbors.push(neighbor);
      const samples = { announce: [] as number[], withdraw: [] as number[] };
      for (let round = 0; round <= rounds; round++)
        for (const change of ['announce', 'withdraw'] as const) {
          const present = change === 'announce';
          const seen = neighbor.next(present);
          const started = performance.now();
          services.set('www', [VIP], { up: present });
          const took = (await seen) - started;
          // The first round finds everything cold.
          if (round > 0) samples[change].push(took);
          // The other daemon, and this one's timers, shall have come to rest.
          await until('all neighbors to agree', () =>
            [lab.west, lab.east].every((other) => (lab.routeAt(other, VIP) !== '') === present),
          );
          await delay(150 + (round % 7) * 13);
        }
      for (const change of ['announce', 'withdraw'] as const)
        results.push({
          daemon,
          change,
          samples: samples[change].toSorted((a, b) => a - b),
          median: summarize(samples[change]).median,
        });
    }
    announcer.close();
    return results;
  } finally {
    for (const neighbor of neighbors) neighbor.close();
    lab.cleanup();
  }
}

/** Measures and prints, as lines or as JSON. */
export async function printAnnounce({ json, rounds }: AnnounceOptions): Promise<void> {
  const results = await benchAnnounce(rounds);
  if (json) {
    console.log(JSON.stringify(results, undefined, 2));
    return;
  }
  for (const { daemon, change, samples, median } of results)
    console.log(
      `${daemon} ${change}: median ${median.toFixed(1)} ms of ${samples.length}, ` +
        `from ${samples[0]?.toFixed(1)} to ${samples.at(-1)?.toFixed(1)} ms`,
    );
}
