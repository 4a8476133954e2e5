/**
 * The live view: a snapshot of the box every second, for the page, its API and `headrace top`.
 *
 * A start goes on without the page when it cannot listen, since forwarding matters more than being watched; a reload
 * that asks for what cannot be is refused as a whole.
 */
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CompatSources } from '../../../monitoring/compat/index.ts';
import { type Collectors, sessionCollectors } from '../../../monitoring/index.ts';
import { LiveSampler, readDeviceCounts, type Snapshot } from '../../../monitoring/live/index.ts';
import type { Config } from '../../config/schema/index.ts';
import { toJson } from '../../json.ts';
import { isLoopback, readToken } from '../../web/access.ts';
import { loadAssets } from '../../web/assets.ts';
import { EventHub } from '../../web/event-hub.ts';
import { WebServer } from '../../web/server.ts';
import { splitListen } from '../listen-address.ts';
import type { Part, PartContext, PartDefinition, Route } from '../part.ts';
import { SessionWatch } from '../session-watch.ts';
import { StartError } from '../start-error.ts';

const assetFolder = fileURLToPath(new URL('../../../../build/page', import.meta.url));
/** Sessions change rarely, and asking costs the routing daemons something. */
const TICKS_PER_SESSIONS = 5;
const TICKS_PER_IDLE_SAMPLE = 10;
/** Who asked is taken to look for so long. */
const WATCHED_MS = 10_000;

export const live: PartDefinition = {
  // Who looks sees which ways packets take.
  features: () => ({ feature_paths: true }),
  create: (context) => new Live(context),
};

type Web = Config['web'];

class Live implements Part {
  readonly name = 'live';
  readonly #context: PartContext;
  readonly #watch: SessionWatch;
  readonly #hub: EventHub;
  readonly #unfollow: () => void;
  #sampler: LiveSampler | undefined;
  #server: WebServer | undefined;
  /** What the server was made for. */
  #served: string | undefined;
  /** What the configuration in force wants, served or not. */
  #asked: string | undefined;
  #unavailable: string | undefined;
  #ticks = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(context: PartContext) {
    this.#context = context;
    this.#watch = new SessionWatch(context.events);
    this.#hub = new EventHub({
      snapshot: () => this.#snapshot(),
      history: () => this.#live.history,
      events: () => context.events.recent(),
    });
    this.#unfollow = context.events.follow((record) => this.#hub.happened(record));
  }

  get #live(): LiveSampler {
    this.#sampler ??= new LiveSampler({
      box: {
        instance: this.#context.paths.instance,
        host: os.hostname(),
        version: process.env['npm_package_version'] ?? '0.1.0',
        kernel: os.release(),
        pid: process.pid,
        startedAt: this.#context.startedAt,
        configFile: path.resolve(this.#context.configFile),
      },
      status: this.#context.whole,
      counters: () => this.#context.plane.counters(),
      paths: () => this.#context.plane.paths(),
      losses: () => this.#context.plane.losses(),
      ports: () => this.#context.ports.states,
      devices: readDeviceCounts,
      sessions: () => this.#watch.sessions,
      balance: this.#context.balance,
    });
    return this.#sampler;
  }

  check({ web }: Config): void {
    if (web.listen !== 'off') tokenOf(web);
  }

  async apply({ web, daemons, announce }: Config): Promise<void> {
    this.#watch.use(daemons, announce?.verify ? [announce.verify.daemon] : []);
    const wanted = JSON.stringify([web, web.listen === 'off' ? undefined : tokenOf(web)]);
    if (wanted === this.#served) return;
    // Only what a reload changes can be refused. A port that was busy before must not stand in the way of other changes.
    const changed = this.#asked !== undefined && wanted !== this.#asked;
    // The same address cannot be listened on twice, so the old server ends before the new one begins.
    this.#stop();
    if (web.listen !== 'off')
      try {
        this.#server = await this.#serve(web);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (changed) throw new StartError(reason, { cause: error });
        if (reason !== this.#unavailable) this.#context.events.emit('web_unavailable', { reason });
        this.#unavailable = reason;
        this.#asked = wanted;
        return;
      }
    this.#served = wanted;
    this.#asked = wanted;
    this.#unavailable = undefined;
  }

  async #serve(web: Web): Promise<WebServer> {
    const { host: address, port } = splitListen(web.listen);
    const { events } = this.#context;
    const server = new WebServer(
      {
        address,
        port,
        token: tokenOf(web),
        refused: (client, way) => events.emit('web_login_refused', { client, way }),
        onError: ({ message }) => events.emit('connection_not_accepted', { server: 'web', reason: message }),
      },
      {
        status: () => toJson(this.#context.status()),
        snapshot: () => JSON.stringify(this.#snapshot()),
        history: () => JSON.stringify(this.#live.history),
        hub: this.#hub,
        assets: loadAssets(assetFolder),
        names: web.names,
      },
    );
    try {
      await server.listen();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`cannot listen on ${web.listen} (${reason}); choose another with web.listen`, { cause: error });
    }
    return server;
  }

  tick(): void {
    const ticks = this.#ticks++;
    // While nobody looks, a coarser history is enough: a sample a second is most of what an idle daemon costs.
    if (this.#isWatched() || ticks % TICKS_PER_IDLE_SAMPLE === 0) this.#live.sample();
    this.#hub.advance();
    if (ticks % TICKS_PER_SESSIONS === 0) void this.#watch.look();
  }

  #isWatched(): boolean {
    return this.#hub.listeners > 0 || performance.now() - this.#lookedAt < WATCHED_MS;
  }

  /** Never older than a second and a half for who asks. */
  #snapshot(): Snapshot {
    const idle = !this.#isWatched();
    this.#lookedAt = performance.now();
    return idle ? this.#live.sample() : this.#live.snapshot;
  }

  notes(): readonly string[] {
    return this.#unavailable === undefined ? [] : [`there is no live page: ${this.#unavailable}`];
  }

  status(): unknown {
    return { page: this.#server?.url ?? null, listeners: this.#hub.listeners };
  }

  compat(): Partial<CompatSources> {
    return { sessions: () => this.#watch.sessions, daemons: () => this.#watch.daemons };
  }

  metrics(): Collectors {
    return sessionCollectors({
      sessions: () => this.#watch.sessions,
      daemons: () => this.#watch.daemons,
      transitions: () => this.#watch.transitions,
    });
  }

  routes(): Readonly<Record<string, Route>> {
    return {
      'GET /snapshot': () => this.#snapshot(),
      'GET /history': () => this.#live.history,
      'GET /events': () => this.#context.events.recent(),
    };
  }

  #stop(): void {
    this.#server?.close();
    this.#server = undefined;
    this.#served = undefined;
  }

  close(): void {
    this.#watch.close();
    this.#unfollow();
    this.#stop();
  }
}

/** The token that is asked for; none on a loopback address, unless a file is named all the same. @throws StartError */
function tokenOf({ listen, token_file }: Web): string | undefined {
  if (token_file === undefined) {
    // The schema refuses it earlier: nobody gets in without a token by a mistake there.
    if (!isLoopback(splitListen(listen).host)) throw new StartError(`web.token_file is needed to listen on ${listen}`);
    return undefined;
  }
  try {
    return readToken(token_file);
  } catch (error) {
    throw new StartError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
