/**
 * Announces VIPs: keeps the routes in the announcement table as the services' states ask for, from which BIRD or FRR
 * learn them.
 *
 * A change of a service is acted upon before the event loop turns again; a burst of changes is one pass; a pass that
 * takes long gives way and goes on. What others do to our routes is undone, at most a few times a second, and whatever
 * no notification told is found at the next refresh. What is left over from a former run is taken over if it is still
 * configured, and deleted if not.
 */
import type { ServiceState, ServiceStates } from '../balancer/service-state.ts';
import type { Clock, Timer } from '../health/index.ts';
import { HoldDevice } from './hold-device.ts';
import { type Metrics, type Order, planRoutes, type RouteOperation } from './plan.ts';
import { AnnounceTable } from './table.ts';
import { type Drain, type Wished, wishFor } from './wish.ts';

export interface AnnounceSettings {
  readonly table: number;
  /** The routes' rtm_protocol: marks them as ours. */
  readonly protocol: number;
  /** What becomes of the routes when the daemon ends. */
  readonly onExit: 'keep' | 'withdraw';
  readonly require: 'all' | 'any';
  readonly metrics: Metrics;
  /** How a metric changes: see plan.ts. */
  readonly order: Order;
  /** How long a drained VIP has the worse metric. */
  readonly beforeWithdrawMs: number;
  /** Nothing new is announced for so long after the start. */
  readonly startupHoldMs: number;
}

export type AnnouncedAs = 'announced' | 'depreferenced' | 'withdrawn';
/** Why it changed: what `headrace_vip_announcement_changes_total` counts by. */
export const changeReasons = ['up', 'down', 'drain', 'removed', 'restored', 'exit'] as const;
export type ChangeReason = (typeof changeReasons)[number];

export interface AnnounceEvent {
  readonly vip: string;
  readonly now: AnnouncedAs;
  readonly reason: ChangeReason;
  /** For people; may be empty. */
  readonly detail: string;
}

export interface VipReport {
  readonly vip: string;
  readonly services: readonly string[];
  readonly wish: Wished['wish'];
  readonly reason: string;
  /** Of the route in the table; null without one. */
  readonly metric: number | null;
  /** Since when it is as it is, milliseconds ago. */
  readonly sinceMs: number;
}

export interface AnnouncerOptions {
  readonly services: ServiceStates;
  readonly clock: Clock;
  /** Names the device of on_exit: withdraw. */
  readonly instance: string;
  readonly onEvent: (event: AnnounceEvent) => void;
}

interface Known {
  state: AnnouncedAs;
  since: number;
}

const PASS_BUDGET_MS = 5;
/** Readings of the table that others' changes may cause. */
const RELOADS_PER_SECOND = 10;

export class Announcer {
  readonly changes = new Map<string, Map<ChangeReason, number>>();
  readonly #options: AnnouncerOptions;
  readonly #startedAt: number;
  readonly #unsubscribe: () => void;
  /** When each began, in the clock's milliseconds. */
  readonly #drains = new Map<string, number>();
  readonly #known = new Map<string, Known>();
  /** Services that were ready once: from then on they are believed to be down although they are not ready. */
  readonly #decided = new Set<string>();
  #settings: AnnounceSettings | undefined;
  #table: AnnounceTable | undefined;
  #device: HoldDevice | undefined;
  #scheduled = false;
  #timer: Timer | undefined;
  #reloading: Promise<void> | undefined;
  #reloadAgain = false;
  #reloads = { since: 0, count: 0 };
  #problem = '';
  #closed = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#unsubscribe = options.services.onChange(() => this.#schedule());
  }

  /** What keeps routes from being as they should; empty when nothing does. */
  get problem(): string {
    return this.#problem;
  }

  /**
   * Announces by these settings from now on; undefined announces nothing. Settles once the table has been read and is
   * right. @throws Error when the table or the device cannot be had; everything is as before then.
   */
  async apply(settings: AnnounceSettings | undefined): Promise<void> {
    const before = { settings: this.#settings, table: this.#table, device: this.#device };
    const same =
      settings &&
      before.settings &&
      settings.table === before.settings.table &&
      settings.protocol === before.settings.protocol &&
      settings.onExit === before.settings.onExit;
    if (same) {
      this.#settings = settings;
      this.#pass();
      return;
    }
    const device =
      settings?.onExit === 'withdraw' ? (before.device ?? HoldDevice.open(this.#options.instance)) : undefined;
    let table: AnnounceTable | undefined;
    try {
      if (settings) {
        table = AnnounceTable.open({
          table: settings.table,
          protocol: settings.protocol,
          ifindex: device?.ifindex,
          onChange: () => this.#reload(),
        });
        await table.reload();
      }
    } catch (error) {
      table?.close();
      if (device !== before.device) device?.close();
      throw error;
    }
    this.#settings = settings;
    this.#table = table;
    this.#device = device;
    this.#pass();
    const moved = settings?.table !== before.settings?.table || settings?.protocol !== before.settings?.protocol;
    if (before.table) {
      if (moved) this.#clear(before.table, settings ? undefined : 'removed');
      before.table.close();
    }
    if (before.device !== device) before.device?.close();
  }

  /** Plans the withdrawal of these VIPs: the worse metric first, none after a while. Those drained already go on. */
  drain(vips: readonly string[], sinceMs = 0): void {
    for (const vip of vips) if (!this.#drains.has(vip)) this.#drains.set(vip, this.#options.clock.now() - sinceMs);
    this.#pass();
  }

  undrain(vips: readonly string[]): void {
    for (const vip of vips) this.#drains.delete(vip);
    this.#pass();
  }

  get drained(): readonly string[] {
    return [...this.#drains.keys()];
  }

  /** Reads the table again and puts right what is not. */
  refresh(): void {
    if (this.#table) this.#reload(true);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After whoever makes the change is done with it, before anything else.
    queueMicrotask(() => this.#pass());
  }

  #reload(always = false): void {
    const { clock } = this.#options;
    if (this.#closed) return;
    if (clock.now() - this.#reloads.since >= 1000) this.#reloads = { since: clock.now(), count: 0 };
    // Somebody who keeps deleting is put right at the refresh, and does not keep this process busy.
    if (!always && this.#reloads.count++ >= RELOADS_PER_SECOND) return;
    if (this.#reloading) {
      this.#reloadAgain = true;
      return;
    }
    const table = this.#table;
    if (!table) return;
    this.#reloading = table
      .reload()
      .then(
        () => this.#pass(),
        (error: unknown) => {
          if (table === this.#table) this.#problem = `announcement table: ${message(error)}`;
        },
      )
      .finally(() => {
        this.#reloading = undefined;
        if (this.#reloadAgain) {
          this.#reloadAgain = false;
          this.#reload();
        }
      });
  }

  #wishes(now: number): Map<string, Wished & { readonly services: readonly string[] }> {
    const wishes = new Map<string, Wished & { readonly services: readonly string[] }>();
    const settings = this.#settings;
    if (!settings) return wishes;
    const byVip = new Map<string, ServiceState[]>();
    const list = this.#options.services.list();
    const names = new Set(list.map(({ name }) => name));
    for (const name of this.#decided) if (!names.has(name)) this.#decided.delete(name);
    for (const service of list) {
      if (service.ready) this.#decided.add(service.name);
      const believed = service.ready || (!service.up && this.#decided.has(service.name));
      for (const vip of service.vips) {
        const services = byVip.get(vip);
        if (services) services.push({ ...service, ready: believed });
        else byVip.set(vip, [{ ...service, ready: believed }]);
      }
    }
    const rules = { require: settings.require, holdUntil: this.#startedAt + settings.startupHoldMs };
    for (const [vip, services] of byVip)
      wishes.set(vip, {
        ...wishFor(services, this.#drainOf(vip, settings), rules, now),
        services: services.map(({ name }) => name),
      });
    return wishes;
  }

  #drainOf(vip: string, { beforeWithdrawMs }: AnnounceSettings): Drain | undefined {
    const since = this.#drains.get(vip);
    return since === undefined ? undefined : { until: since + beforeWithdrawMs };
  }

  /** Brings the table to what is wished. */
  #pass(): void {
    this.#scheduled = false;
    const table = this.#table;
    const settings = this.#settings;
    if (this.#closed || !table || !settings) return;
    const { clock } = this.#options;
    const now = clock.now();
    const wishes = this.#wishes(now);
    const operations = planRoutes(
      new Map([...wishes].map(([vip, { wish }]) => [vip, wish])),
      table.routes,
      settings.metrics,
      settings.order,
    );
    const touched = new Set<string>();
    const added = new Set<string>();
    const problems: string[] = [];
    let late = false;
    for (const operation of operations) {
      // Never between two operations of one VIP.
      if (touched.size > 0 && !touched.has(operation.vip) && clock.now() - now > PASS_BUDGET_MS) {
        late = true;
        break;
      }
      try {
        perform(table, operation);
        if (operation.kind === 'add') added.add(operation.vip);
      } catch (error) {
        problems.push(message(error));
      }
      touched.add(operation.vip);
    }
    this.#problem = problems.slice(0, 3).join('; ');
    this.#note(table, settings, wishes, added);
    if (late) setImmediate(() => this.#pass());
    this.#wakeAt(Math.min(...[...wishes.values()].map(({ again }) => again ?? Number.POSITIVE_INFINITY)), now);
  }

  /** Compares with what was known, tells of each change, and counts it. */
  #note(
    table: AnnounceTable,
    settings: AnnounceSettings,
    wishes: ReadonlyMap<string, Wished>,
    added: ReadonlySet<string>,
  ): void {
    const now = this.#options.clock.now();
    const states = new Map<string, AnnouncedAs>();
    for (const { vip, metric } of table.routes)
      if (states.get(vip) !== 'announced')
        states.set(vip, metric === settings.metrics.normal ? 'announced' : 'depreferenced');
    for (const vip of new Set([...states.keys(), ...wishes.keys(), ...this.#known.keys()])) {
      const state = states.get(vip) ?? 'withdrawn';
      const known = this.#known.get(vip);
      const wished = wishes.get(vip);
      if (!wished && state === 'withdrawn') this.#known.delete(vip);
      else if (!known || known.state !== state) this.#known.set(vip, { state, since: now });
      // What a former run left is taken over without a word.
      if (known ? known.state !== state : added.has(vip))
        this.#tell(vip, state, this.#reasonOf(vip, state, wished), wished?.reason ?? '');
      else if (known && known.state === state && added.has(vip))
        this.#tell(vip, state, 'restored', 'somebody had deleted the route');
    }
  }

  #reasonOf(vip: string, state: AnnouncedAs, wished: Wished | undefined): ChangeReason {
    if (!wished) return 'removed';
    if (state === 'announced') return 'up';
    return this.#drains.has(vip) ? 'drain' : 'down';
  }

  #tell(vip: string, now: AnnouncedAs, reason: ChangeReason, detail: string): void {
    const counts = this.changes.get(vip) ?? new Map<ChangeReason, number>();
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
    this.changes.set(vip, counts);
    this.#options.onEvent({ vip, now, reason, detail });
  }

  #wakeAt(moment: number, now: number): void {
    this.#timer?.cancel();
    this.#timer = Number.isFinite(moment) ? this.#options.clock.after(moment - now + 1, () => this.#pass()) : undefined;
  }

  /** Takes all our routes out of a table. */
  #clear(table: AnnounceTable, reason: ChangeReason | undefined): void {
    for (const { vip, metric } of table.routes) {
      table.remove(vip, metric);
      if (reason && this.#known.delete(vip)) this.#tell(vip, 'withdrawn', reason, '');
    }
  }

  report(): VipReport[] {
    const now = this.#options.clock.now();
    const metrics = new Map<string, number>();
    for (const { vip, metric } of this.#table?.routes ?? [])
      metrics.set(vip, Math.min(metric, metrics.get(vip) ?? Number.POSITIVE_INFINITY));
    return [...this.#wishes(now)].map(([vip, { wish, reason, services }]) => ({
      vip,
      services,
      wish,
      reason,
      metric: metrics.get(vip) ?? null,
      sinceMs: now - (this.#known.get(vip)?.since ?? now),
    }));
  }

  /** Ends; what stays announced is as `onExit` says. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unsubscribe();
    this.#timer?.cancel();
    if (this.#table) {
      if (this.#settings?.onExit === 'withdraw') this.#clear(this.#table, 'exit');
      this.#table.close();
    }
    this.#device?.close();
  }
}

function perform(table: AnnounceTable, operation: RouteOperation): void {
  if (operation.kind === 'add') table.add(operation.vip, operation.metric, operation.replace);
  else table.remove(operation.vip, operation.metric);
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
