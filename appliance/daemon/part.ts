/**
 * A part of the daemon: one concern (neighbors, services, announcements, …) that follows the configuration and the
 * kernel, and can be seen.
 *
 * The daemon knows parts by this face only. It starts them in their order in parts/index.ts, after the interfaces are
 * attached, and closes them in the opposite order. What a part does with the kernel must go on without it: closing ends
 * following, not forwarding.
 */
import type { Logger } from 'pino';
import type { DataPlane, Features, InstancePaths } from '../../controlplane/dataplane/index.ts';
import type { Ports } from '../../controlplane/ports/index.ts';
import type { CompatSources } from '../../monitoring/compat/index.ts';
import type { EventLog } from '../../monitoring/events/index.ts';
import type { Collectors } from '../../monitoring/index.ts';
import type { BalanceReading } from '../../monitoring/live/index.ts';
import type { Config } from '../config/schema/index.ts';
import type { Exchange } from './exchange.ts';
import type { DaemonStatus, Whole } from './status.ts';

/** What every part may use. */
export interface PartContext {
  readonly log: Logger;
  /** What happens is told here, by a name of monitoring/events/vocabulary.ts: to the log and to who follows live. */
  readonly events: EventLog;
  readonly plane: DataPlane;
  readonly ports: Ports;
  readonly paths: InstancePaths;
  readonly configFile: string;
  /** What parts tell each other. */
  readonly exchange: Exchange;
  /** Asks for a `refresh` of everything soon; many calls make one. */
  readonly requestRefresh: (cause: string) => void;
  /** When the daemon started, in milliseconds since 1970. */
  readonly startedAt: number;
  /** Problems, notes and status of all parts. */
  readonly whole: () => Whole;
  /** Services and backends of the part that balances; undefined where none does. */
  readonly balance: () => Omit<BalanceReading, 'at'> | undefined;
  /** What `headrace status` gets. */
  readonly status: () => DaemonStatus;
}

/** A request on the control socket. */
export interface RouteRequest {
  readonly query: URLSearchParams;
  /** Parsed JSON; undefined when there was none. */
  readonly body: unknown;
}

/** Answers with what becomes JSON. Throws RouteError for what the asker did wrong. */
export type Route = (request: RouteRequest) => unknown | Promise<unknown>;

export class RouteError extends Error {
  readonly code = 'ROUTE';
  /** HTTP status. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'RouteError';
    this.status = status;
  }
}

export interface Part {
  /** Key in the status. */
  readonly name: string;
  /** Looks before anything changes. @throws StartError saying what to do. */
  check?(config: Config): void | Promise<void>;
  /**
   * Goes over to a configuration, the first one included. @throws when it cannot; the daemon applies the former one to
   * all parts again, so applying the one in force must be harmless.
   */
  apply(config: Config): void | Promise<void>;
  /** Links, addresses or sysctls changed; or ten seconds went by. */
  refresh?(cause: string): void;
  /** Once a second. */
  tick?(): void;
  /** What makes the box unwell, with what to do. */
  problems?(): readonly string[];
  /** What works as configured and should be known. */
  notes?(): readonly string[];
  /** Becomes JSON, under `parts.NAME` of the status. */
  status?(): unknown;
  /** Services and backends with their counters, for the live views. */
  balance?(): Omit<BalanceReading, 'at'> | undefined;
  /** On the control socket, by method and path: `GET /neighbors`. */
  routes?(): Readonly<Record<string, Route>>;
  metrics?(): Collectors;
  /** What it knows of that other exporters have names for. */
  compat?(): Partial<CompatSources>;
  close(): void;
}

export interface PartDefinition {
  /**
   * Constants of the packet path's program under a configuration. Asked before the program is loaded, so that a daemon
   * that adopts forwarding links never runs them without a feature they had.
   */
  readonly features?: (config: Config) => Features;
  readonly create: (context: PartContext) => Part;
}
