/**
 * Who answers where a packet goes: the kernel's helper, or the mirror of its routes. Chooses, switches the packet
 * path's program and the routing worker, and says which it is and why.
 *
 * The program starts with the helper. The mirror's tables exist while it is used, and are given back with it.
 */
import type { Features } from '../../../controlplane/dataplane/index.ts';
import { RouteNetlink } from '../../../controlplane/netlink/index.ts';
import {
  type Choice,
  choose,
  countRoutes,
  MirrorThread,
  unusualRule,
  worthwhileRoutes,
} from '../../../controlplane/routing/mirror/index.ts';
import { mainTable } from '../../../controlplane/routing/rib/index.ts';
import { fibCollectors } from '../../../monitoring/index.ts';
import type { Config } from '../../config/schema/index.ts';
import { failure } from '../guard.ts';
import { type Part, type PartContext, type PartDefinition, type Route, RouteError } from '../part.ts';
import { describeRouteTo } from './routes.ts';

/** Counting routes costs milliseconds: not at every event. */
const REFRESHES_MS = 10_000;

export class FibPart implements Part {
  readonly name = 'fib';
  readonly #context: PartContext;
  readonly #netlink = RouteNetlink.open();
  #configured: Config['router']['fib'] = 'helper';
  #choice: Choice = { mode: 'helper', why: 'starting' };
  #thread: MirrorThread | undefined;
  #closing: Promise<void> = Promise.resolve();
  #chosenAt = Number.NEGATIVE_INFINITY;
  #workerDeaths = 0;
  #closed = false;

  constructor(context: PartContext) {
    this.#context = context;
  }

  async apply(config: Config): Promise<void> {
    this.#configured = config.router.fib;
    await this.#choose();
  }

  refresh(): void {
    if (performance.now() - this.#chosenAt < REFRESHES_MS) return;
    this.#choose().catch((error: unknown) =>
      this.#context.events.emit('part_failed', failure('fib', 'choice between helper and mirror', error)),
    );
  }

  async #choose(): Promise<void> {
    this.#chosenAt = performance.now();
    const before = this.#choice.mode;
    this.#choice = choose({
      configured: this.#configured,
      current: before,
      routes: this.#configured === 'auto' ? this.#routes() : 0,
      rules: this.#rules(),
    });
    if (this.#choice.mode !== before)
      this.#context.events.emit('fib_mode_changed', { mode: this.#choice.mode, why: this.#choice.why });
    if (this.#choice.mode === 'mirror') await this.#useMirror();
    else await this.#useHelper();
  }

  #routes(): number {
    const { ipv4, ipv6 } = this.#thread?.state ?? {};
    if (ipv4?.valid && ipv6?.valid) return ipv4.routes.routes + ipv6.routes.routes;
    const four = countRoutes(4, mainTable, worthwhileRoutes);
    return four >= worthwhileRoutes ? four : four + countRoutes(6, mainTable, worthwhileRoutes - four);
  }

  #rules(): { 4: string | undefined; 6: string | undefined } {
    const rules = this.#netlink.rules();
    return { 4: unusualRule(rules, 4), 6: unusualRule(rules, 6) };
  }

  async #useMirror(): Promise<void> {
    if (this.#thread) return;
    const { plane, paths, log } = this.#context;
    await this.#closing;
    await plane.prepareFeatures({ feature_mirror: true });
    if (this.#thread || this.#closed || this.#choice.mode !== 'mirror') return;
    plane.useFeatures({ feature_mirror: true });
    this.#distrust(plane.maps.fibTrust?.get(0)?.written);
    this.#thread = new MirrorThread({
      folder: paths.maps,
      onLog: (level, message, fields) => log[level](fields ?? {}, message),
      distrust: () => this.#distrust(),
    });
  }

  /** The worker lets go of the tables before they are given back. */
  async #useHelper(): Promise<void> {
    const thread = this.#thread;
    if (thread) {
      this.#thread = undefined;
      this.#workerDeaths += thread.deaths;
      this.#closing = thread.close();
    }
    await this.#closing;
    if (!this.#thread) this.#context.plane.useFeatures({ feature_mirror: false });
  }

  /** @param written whether the tables may have been written to */
  #distrust(written = 1): void {
    const nothing = { lease: 0n, ipv4: 0, ipv6: 0, default4: 0, default6: 0, written, reserved: 0 };
    this.#context.plane.maps.fibTrust?.set(0, nothing);
  }

  problems(): readonly string[] {
    const state = this.#thread?.state;
    if (!state || state.sampler.differences === 0) return [];
    const why = state.ipv4.why ?? state.ipv6.why;
    if (!why?.startsWith('it differed')) return [];
    return [
      'the mirror of the routes differed from the kernel again and again, so the kernel is asked for every packet: report what the log says, and set router.fib to helper',
    ];
  }

  notes(): readonly string[] {
    const state = this.#thread?.state;
    if (!state) return [];
    return ([4, 6] as const).flatMap((family) => {
      const { why, table } = family === 4 ? state.ipv4 : state.ipv6;
      const crowded =
        table.crowdedSlots > 0
          ? [`the IPv${family} tables are full: the kernel is asked for ${table.crowdedSlots} ranges of addresses`]
          : [];
      return why?.startsWith('policy') ? [...crowded, `IPv${family} is not mirrored: ${why}`] : crowded;
    });
  }

  status(): unknown {
    return {
      configured: this.#configured,
      ...this.#choice,
      workerDeaths: this.#workerDeaths + (this.#thread?.deaths ?? 0),
      mirror: this.#thread?.state ?? null,
    };
  }

  routes(): Readonly<Record<string, Route>> {
    return {
      'GET /routes': async ({ query }) => {
        const address = query.get('address');
        if (!address) throw new RouteError(400, 'name an address: /routes?address=192.0.2.1');
        return describeRouteTo(address, this.#netlink, this.#thread);
      },
    };
  }

  metrics(): ReturnType<typeof fibCollectors> {
    return fibCollectors(() => ({
      mode: this.#choice.mode,
      workerDeaths: this.#workerDeaths + (this.#thread?.deaths ?? 0),
      state: this.#thread?.state,
      counters: this.#context.plane.counters(),
    }));
  }

  close(): void {
    this.#closed = true;
    void this.#thread?.close();
    this.#thread = undefined;
    this.#netlink.close();
  }
}

/** Named beforehand only where it is sure to be used, so that `headrace load` makes that program, too. */
export const fib: PartDefinition = {
  features: ({ router }): Features => (router.fib === 'mirror' ? { feature_mirror: true } : {}),
  create: (context) => new FibPart(context),
};
