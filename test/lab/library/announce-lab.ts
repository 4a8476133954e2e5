/**
 * A box that announces VIPs through BIRD to west and through FRR to east, by the very configurations of
 * docs/guides/announce-vips.md, with an announcer in this process whose services a test turns on and off:
 *
 *     west (BIRD) ── p0  box: BIRD and FRR  p1 ── east (FRR)
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type AnnounceEvent, Announcer, type AnnounceSettings } from '../../../controlplane/announce/index.ts';
import type { ServiceState, ServiceStates } from '../../../controlplane/balancer/service-state.ts';
import { type Clock, monotonicClock } from '../../../controlplane/health/index.ts';
import { Bird } from './bird.ts';
import { Frr } from './frr.ts';
import type { Host } from './host.ts';
import { Lab } from './lab.ts';
import { repository } from './repository.ts';
import { until } from './wait.ts';

const TIMERS = 'connect delay time 1; connect retry time 1; error wait time 1, 2;';
const WEST = `
router id 10.0.1.2;
protocol device { }
protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
protocol kernel { ipv6 { import none; export where source = RTS_BGP; }; }
protocol bgp box4 { local 10.0.1.2 as 65001; neighbor 10.0.1.1 as 65000; ${TIMERS} ipv4 { import all; export none; }; }
protocol bgp box6 { local fd00:1::2 as 65001; neighbor fd00:1::1 as 65000; ${TIMERS} ipv6 { import all; export none; }; }
`;
const EAST = `
router bgp 65002
 bgp router-id 10.0.2.2
 no bgp ebgp-requires-policy
 neighbor 10.0.2.1 remote-as 65000
 neighbor 10.0.2.1 timers connect 1
 neighbor 10.0.2.1 advertisement-interval 0
`;

export const announceDefaults: AnnounceSettings = {
  table: 231,
  protocol: 201,
  onExit: 'keep',
  require: 'all',
  metrics: { normal: 100, depreferenced: 200 },
  order: 'add-first',
  beforeWithdrawMs: 30_000,
  startupHoldMs: 0,
};

/** Services that a test turns on and off. */
export class TestServices implements ServiceStates {
  readonly #services = new Map<string, ServiceState>();
  readonly #listeners = new Set<(service: string) => void>();

  list(): readonly ServiceState[] {
    return [...this.#services.values()];
  }

  onChange(listener: (service: string) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Makes or changes a service: up and ready unless told otherwise. */
  set(name: string, vips: readonly string[], state: Partial<Pick<ServiceState, 'up' | 'ready'>> = {}): void {
    const up = state.up ?? true;
    const ready = state.ready ?? true;
    this.#services.set(name, {
      name,
      vips,
      up,
      ready,
      ratio: up ? 1 : 0,
      usable: up ? 1 : 0,
      backends: 1,
      reason: up ? '' : 'no backend is up',
    });
    for (const listener of this.#listeners) listener(name);
  }

  remove(name: string): void {
    this.#services.delete(name);
    for (const listener of this.#listeners) listener(name);
  }
}

/** The block of a language in the guide. */
export function snippet(language: 'bird' | 'frr'): string {
  const guide = readFileSync(path.join(repository, 'docs/guides/announce-vips.md'), 'utf8');
  const found = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(guide)?.[1];
  if (found === undefined) throw new Error(`docs/guides/announce-vips.md has no block of ${language}`);
  return found;
}

export class AnnounceLab {
  readonly lab: Lab;
  readonly west: Host;
  readonly box: Host;
  readonly east: Host;
  bird!: Bird;
  westBird!: Bird;
  frr!: Frr;
  eastFrr!: Frr;

  constructor(name: string) {
    this.lab = new Lab(name);
    this.west = this.lab.host('west');
    this.box = this.lab.host('box');
    this.east = this.lab.host('east');
    const { west, box, east } = this;
    this.lab.link(west, 'w0', box, 'p0');
    this.lab.link(box, 'p1', east, 'e0');
    west.address('w0', '10.0.1.2/24', 'fd00:1::2/64');
    box.address('p0', '10.0.1.1/24', 'fd00:1::1/64');
    box.address('p1', '10.0.2.1/24', 'fd00:2::1/64');
    east.address('e0', '10.0.2.2/24', 'fd00:2::2/64');
  }

  /** Starts the daemons and waits for their sessions. */
  async start(): Promise<void> {
    const { west, box, east } = this;
    // Two daemons share port 179 of the box: each listens on the addresses of its own link.
    const bird = snippet('bird').replaceAll(/^( {2}local .*)$/gm, `$1\n  ${TIMERS} strict bind yes;`);
    [this.westBird, this.bird, this.frr, this.eastFrr] = await Promise.all([
      Bird.start(west, WEST),
      Bird.start(box, bird),
      Frr.start(box, snippet('frr'), { listen: ['10.0.2.1'] }),
      Frr.start(east, EAST),
    ]);
    await Promise.all([this.westBird.up('box4'), this.westBird.up('box6'), this.eastFrr.established('10.0.2.1')]);
  }

  /** An announcer on the box. `apply` is for later: it must be called by {@link onBox}. */
  announcer(services: ServiceStates, events: AnnounceEvent[] = [], clock: Clock = monotonicClock): Announcer {
    return new Announcer({ services, clock, instance: 'lab', onEvent: (event) => events.push(event) });
  }

  /** Has an announcer go over to settings; its sockets are of the box's namespace. */
  async apply(announcer: Announcer, settings: AnnounceSettings | undefined): Promise<void> {
    let applied: Promise<void> = Promise.resolve();
    this.box.inNamespace(() => {
      applied = announcer.apply(settings);
    });
    await applied;
  }

  /** The route's line in a neighbor's kernel, empty without one. */
  routeAt(host: Host, prefix: string): string {
    return host.ip(`${prefix.includes(':') ? '-6 ' : ''}route show ${prefix}`).trim();
  }

  /** The routes of ours in the box's table. */
  table(): string[] {
    const lines = ['-4', '-6'].flatMap((family) =>
      this.box.exec(['ip', family, 'route', 'show', 'table', '231'], { mayFail: true }).stdout.split('\n'),
    );
    return lines.map((line) => line.replace(/ dev lo| pref medium|\s+$/g, '').trim()).filter((line) => line !== '');
  }

  /** Waits until both neighbors have a prefix, or have it no more; IPv6 goes to west only. */
  async everywhere(prefix: string, present: boolean): Promise<void> {
    const hosts = prefix.includes(':') ? [this.west] : [this.west, this.east];
    for (const host of hosts)
      await until(
        `${host.name} to ${present ? 'have' : 'lose'} ${prefix}`,
        () => (this.routeAt(host, prefix) !== '') === present,
        {
          everyMs: 20,
        },
      );
  }

  cleanup(): void {
    this.lab.cleanup();
  }
}
