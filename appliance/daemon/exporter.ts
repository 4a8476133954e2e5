/**
 * Where Prometheus reads: the pages, of what the packet path, the kernel and the parts tell, and the server with them.
 *
 * A start goes on without: forwarding matters more than being watched. A reload does not, for there everything
 * happens or nothing.
 */
import os from 'node:os';
import type { DataPlane } from '../../controlplane/dataplane/index.ts';
import { multicastTotals, RouteNetlink } from '../../controlplane/netlink/index.ts';
import type { Ports } from '../../controlplane/ports/index.ts';
import { type CompatSources, compatExporter } from '../../monitoring/compat/index.ts';
import type { EventLog } from '../../monitoring/events/index.ts';
import {
  type Collectors,
  countRoutes,
  createMetrics,
  type MetricSources,
  RouteCounter,
  routerCollectors,
} from '../../monitoring/index.ts';
import type { Config } from '../config/schema/index.ts';
import { failure } from './guard.ts';
import { type MetricsPages, MetricsServer } from './metrics-server.ts';
import type { Part } from './part.ts';
import { StartError } from './start-error.ts';

export interface ExporterContext {
  readonly events: EventLog;
  readonly plane: DataPlane;
  readonly ports: Ports;
  readonly parts: readonly Part[];
  readonly startedAt: number;
  readonly reloads: MetricSources['reloads'];
  readonly troubles: MetricSources['troubles'];
}

/** A server about to take the place of the one that runs: exactly one of the two ends with a reload. */
export interface NextServer {
  /** The reload took effect. */
  take(): Promise<void>;
  /** It did not. */
  drop(): void;
}

export class Exporter {
  readonly #context: ExporterContext;
  readonly #counting = RouteNetlink.open();
  readonly #routes = new RouteCounter(() => countRoutes(this.#counting));
  #server: MetricsServer | undefined;
  #unavailable: string | undefined;

  constructor(context: ExporterContext) {
    this.#context = context;
  }

  /** Why there are no metrics although the configuration wants them. */
  get unavailable(): string | undefined {
    return this.#unavailable;
  }

  /** Where it listens. */
  get address(): string | undefined {
    return this.#server?.address;
  }

  /** Listens as configured, or says why not and goes on. */
  async start(config: Config): Promise<void> {
    try {
      this.#server = await this.#listen(config);
      this.#unavailable = undefined;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== this.#unavailable) this.#context.events.emit('metrics_unavailable', { reason });
      this.#unavailable = reason;
    }
  }

  /** Makes ready to go over to `next`. @throws StartError when its address cannot be had; nothing changed then. */
  async prepare(next: Config, before: Config): Promise<NextServer> {
    const moves = next.metrics.listen !== before.metrics.listen;
    const server = moves ? await this.#listen(next) : undefined;
    const take = async (): Promise<void> => {
      if (moves) {
        this.#server?.close();
        this.#server = server;
        this.#unavailable = undefined;
      } else if (!this.#server) await this.start(next);
      else if (JSON.stringify(next.metrics) !== JSON.stringify(before.metrics))
        this.#server.show(this.#pages(next), next.metrics.names);
    };
    return { take, drop: () => server?.close() };
  }

  close(): void {
    this.#server?.close();
    this.#counting.close();
  }

  /** @returns a server that listens, undefined for "off". @throws StartError when it cannot. */
  async #listen(config: Config): Promise<MetricsServer | undefined> {
    const { listen } = config.metrics;
    if (listen === 'off') return undefined;
    const { events } = this.#context;
    const server = new MetricsServer(this.#pages(config), listen, config.metrics.names, ({ message }) =>
      events.emit('connection_not_accepted', { server: 'metrics', reason: message }),
    );
    try {
      await server.listen();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new StartError(`cannot listen on ${listen} (${reason}); choose another with metrics.listen`, {
        cause: error,
      });
    }
    return server;
  }

  #pages({ metrics: { backends, compat } }: Config): MetricsPages {
    const { parts } = this.#context;
    const pages = new Map([['/metrics', createMetrics(this.#collectors(), backends, this.#failed)]]);
    if (compat.length === 0) return pages;
    const nothing: CompatSources = {
      sessions: () => [],
      daemons: () => new Map(),
      balance: () => undefined,
      backends: () => backends === 'full',
    };
    const sources: CompatSources = Object.assign(nothing, ...parts.map((part) => part.compat?.() ?? {}));
    return pages.set('/metrics/compat', compatExporter(compat, sources, this.#failed));
  }

  readonly #failed = (metric: string, error: Error): void =>
    this.#context.events.emit('part_failed', failure('metrics', `collecting of ${metric}`, error));

  #collectors(): Collectors {
    const { parts } = this.#context;
    return Object.assign({}, routerCollectors(this.#sources()), ...parts.map((part) => part.metrics?.() ?? {}));
  }

  #sources(): MetricSources {
    const { plane, ports, startedAt, reloads } = this.#context;
    return {
      version: process.env['npm_package_version'] ?? '0.1.0',
      kernel: os.release(),
      startedAt,
      counters: () => plane.counters(),
      paths: () => plane.paths(),
      stages: () => {
        const { feature_balance: balance, feature_nat: nat } = plane.features;
        return { balance: Boolean(balance), nat: Boolean(nat) };
      },
      troubles: this.#context.troubles,
      ports: () => ports.states,
      links: () => ports.links,
      neighbors: () => {
        using netlink = RouteNetlink.open();
        return netlink.neighbors();
      },
      routes: () => this.#routes.counts(),
      netlink: netlinkCounts,
      reloads,
      program: () => plane.programRuns,
      maps: () => plane.mapFill(),
    };
  }
}

/** Of all parts: any of them may lose what the kernel says. The mirror of routes counts for itself. */
export function netlinkCounts(): { readonly events: number; readonly overruns: number; readonly resyncs: number } {
  const { messages: events, overruns, resyncs } = multicastTotals;
  return { events, overruns, resyncs };
}
