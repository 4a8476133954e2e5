/**
 * The daemon: puts the packet path, the kernel's events, the configuration and the ways to look at them together.
 *
 * It starts whole or not at all: what can be refused is checked before anything is attached. From then on every event,
 * and every ten seconds in any case, has the ports looked at again, which does nothing when nothing changed. When it
 * ends, however it ends, packets go on; only the lease runs out.
 */
import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Logger } from 'pino';
import { removeVipRoutes } from '../../controlplane/balancer/vip-routes.ts';
import { isBpffs } from '../../controlplane/bpf/index.ts';
import {
  DataPlane,
  type Features,
  type InstancePaths,
  instancePaths,
  pinnedLinks,
  removeInstance,
} from '../../controlplane/dataplane/index.ts';
import { Netdev, RouteMonitor } from '../../controlplane/netlink/index.ts';
import { EgressProbe, Ports } from '../../controlplane/ports/index.ts';
import type { EventLog } from '../../monitoring/events/index.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema/index.ts';
import { ControlServer, isTaken, type Routes } from './control-server.ts';
import { Exchange } from './exchange.ts';
import { Exporter, netlinkCounts } from './exporter.ts';
import { Guard } from './guard.ts';
import { checkInterfaces, patternsOf } from './interface-patterns.ts';
import { notesOf } from './notes.ts';
import { notifyManager, watchdogIntervalMs } from './notify.ts';
import { egressProbePath, objectPath } from './object-path.ts';
import type { Part } from './part.ts';
import { createParts, featuresOf } from './parts/index.ts';
import { missingPrivileges } from './privileges.ts';
import { StartError } from './start-error.ts';
import { type DaemonStatus, statusOf, type Troubles, troublesOf, type Whole } from './status.ts';

export interface DaemonOptions {
  readonly configFile: string;
  /** Wins over the file's. */
  readonly instance: string | undefined;
  readonly log: Logger;
  /** Who logs them is the caller's business. */
  readonly events: EventLog;
}

const TICK_MS = 1000;
/** Events tell what changes; looking at everything now and then is for what none told. */
const TICKS_PER_REFRESH = 10;
/** Events come in bursts: one look for all of them. */
const SETTLE_MS = 5;

export class Daemon {
  readonly #options: DaemonOptions;
  readonly #log: Logger;
  readonly #events: EventLog;
  readonly #paths: InstancePaths;
  readonly #guard: Guard;
  readonly #startedAt = Date.now();
  readonly #reloads = { success: 0, failure: 0, lastSuccessAt: Date.now(), lastSuccessful: true };
  #config: Config;
  #plane!: DataPlane;
  #ports!: Ports;
  /** Where the kernel does not tell what interfaces can do. */
  #egress: EgressProbe | undefined;
  #netdev: Netdev | undefined;
  #monitors: Disposable[] = [];
  #timers: NodeJS.Timeout[] = [];
  #ticks = 0;
  /** What was told already, as long as it holds. */
  #told: Troubles = { healthy: true, problems: [], notes: [] };
  #settle: NodeJS.Timeout | undefined;
  #control: ControlServer | undefined;
  #parts: readonly Part[] = [];
  /** Those that have been given a configuration. */
  readonly #started: Part[] = [];
  #exporter: Exporter | undefined;
  #reloading: Promise<boolean> = Promise.resolve(true);

  private constructor(options: DaemonOptions, config: Config) {
    this.#options = options;
    this.#log = options.log;
    this.#events = options.events;
    this.#guard = new Guard(options.events);
    this.#config = config;
    this.#paths = instancePaths(options.instance ?? config.instance);
  }

  /** @throws ConfigError, StartError, LayoutError, BpfError: nothing was changed then. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const daemon = new Daemon(options, loadConfig(options.configFile));
    await daemon.#start();
    return daemon;
  }

  async #start(): Promise<void> {
    const missing = missingPrivileges(isBpffs(this.#paths.bpffs));
    if (missing) throw new StartError(missing);
    mkdirSync(this.#paths.run, { recursive: true, mode: 0o750 });
    // A umask may have taken away what lets the control socket's group come as far as the socket.
    chmodSync(this.#paths.run, 0o750);
    if (await isTaken(this.#paths.controlSocket))
      throw new StartError(
        `instance "${this.#paths.instance}" is running already: stop it first, or give this one another --instance NAME`,
      );
    checkInterfaces(this.#config, this.#options.configFile, this.#paths);
    const first = pinnedLinks(this.#paths).length === 0;
    this.#plane = DataPlane.open(objectPath, this.#paths, featuresOf(this.#config));
    try {
      this.#plane.endLease();
      this.#netdev = Netdev.open();
      if (!this.#netdev) this.#egress = new EgressProbe(egressProbePath);
      this.#ports = new Ports(
        this.#plane,
        this.#netdev,
        ({ name, offloads }) =>
          this.#events.emit('offloads_switched_off', { interface: name, offloads: offloads.join(', ') }),
        this.#egress && ((link) => this.#egress?.transmits(link) ?? false),
      );
      this.#parts = createParts({
        log: this.#log,
        events: this.#events,
        plane: this.#plane,
        ports: this.#ports,
        paths: this.#paths,
        configFile: this.#options.configFile,
        exchange: new Exchange(),
        startedAt: this.#startedAt,
        requestRefresh: (cause) => this.#requestRefresh(cause),
        whole: () => this.#whole(),
        balance: () => this.#started.find((part) => part.balance)?.balance?.(),
        status: () => this.status(),
      });
      this.#exporter = new Exporter({
        events: this.#events,
        plane: this.#plane,
        ports: this.#ports,
        parts: this.#parts,
        startedAt: this.#startedAt,
        reloads: () => this.#reloads,
        troubles: () => this.#troubles(),
      });
      for (const part of this.#parts) await part.check?.(this.#config);
      this.#follow();
      this.#apply('start', patternsOf(this.#config), this.#config);
      if (first) this.#checkAttached();
      for (const part of this.#parts) {
        this.#started.push(part);
        await part.apply(this.#config);
      }
      this.#control = new ControlServer(this.#paths.controlSocket, this.#routes(), this.#accepting('control socket'));
      await this.#control.listen();
    } catch (error) {
      this.close();
      if (first) {
        removeInstance(this.#paths);
        // Nothing balances now, and nothing may be left of what drops the VIPs' packets instead.
        if (this.#started.length > 0) await removeVipRoutes();
      }
      throw error;
    }
    await this.#exporter.start(this.#config);
    this.#tell();
    this.#timers.push(setInterval(() => this.#tick(), TICK_MS));
    const watchdog = watchdogIntervalMs();
    if (watchdog) this.#timers.push(setInterval(() => notifyManager('WATCHDOG=1'), watchdog));
    this.#plane.renewLease();
    notifyManager(`READY=1\nSTATUS=forwarding on ${this.#attachedCount()} interfaces\nMAINPID=${process.pid}`);
  }

  /** A first start attaches everything or nothing; one that adopts goes on with what it can and reports the rest. */
  #checkAttached(): void {
    const problems = this.#ports.states.flatMap(({ name, problem }) => (problem ? [`${name}: ${problem}`] : []));
    if (problems.length > 0) throw new StartError(problems.join('\n'));
  }

  #routes(): Routes {
    const own: Routes = { 'GET /status': () => this.status(), 'GET /counters': () => this.#plane.counters() };
    return Object.assign({}, own, ...this.#parts.map((part) => part.routes?.() ?? {})) as Routes;
  }

  #attachedCount(): number {
    return this.#ports.states.filter((port) => port.mode !== 'none').length;
  }

  #follow(): void {
    const onEvent = (): void => this.#requestRefresh('event');
    const onOverrun = (): void => this.refresh('overrun');
    this.#monitors.push(
      RouteMonitor.open({ groups: ['link', 'address4', 'netconf4', 'netconf6'], onEvent, onOverrun }),
    );
    if (this.#netdev) this.#monitors.push(this.#netdev.follow({ onChange: onEvent, onOverrun }));
    else this.#events.emit('egress_capability_unknown', {});
  }

  #requestRefresh(cause: string): void {
    this.#settle ??= setTimeout(() => {
      this.#settle = undefined;
      this.refresh(cause);
    }, SETTLE_MS);
  }

  #tick(): void {
    this.#guard.run('packet path', 'lease', () => this.#plane.renewLease());
    for (const part of this.#started) this.#guard.run(part.name, 'tick', () => part.tick?.());
    this.#events.settle();
    this.#ticks++;
    if (this.#ticks % TICKS_PER_REFRESH === 0) this.refresh('timer');
  }

  /** Looks at every interface again and applies what changed. */
  refresh(cause: string): void {
    this.#guard.run('interfaces', 'refresh', () => this.#apply(cause, patternsOf(this.#config), this.#config));
    for (const part of this.#started) this.#guard.run(part.name, 'refresh', () => part.refresh?.(cause));
    // At the start, parts are yet to begin.
    if (this.#timers.length > 0) this.#guard.run('daemon', 'look at itself', () => this.#tell());
  }

  /** Tells of problems and notes that came, and of problems that went. */
  #tell(): void {
    const now = this.#troubles();
    const { problems, notes } = now;
    for (const problem of problems)
      if (!this.#told.problems.includes(problem)) this.#events.emit('problem_found', { problem });
    for (const problem of this.#told.problems)
      if (!problems.includes(problem)) this.#events.emit('problem_solved', { problem });
    for (const note of notes) if (!this.#told.notes.includes(note)) this.#events.emit('note_made', { note });
    for (const note of this.#told.notes) if (!notes.includes(note)) this.#events.emit('note_gone', { note });
    this.#told = now;
  }

  #troubles(): Troubles {
    const notes = notesOf(this.#ports.states, this.#ports.forwards, this.#plane.barriers);
    const { unavailable } = this.#exporter ?? {};
    if (unavailable) notes.push(`there are no metrics: ${unavailable}`);
    return troublesOf(notes, this.#guard.problems(), this.#ports.states, this.#started);
  }

  #whole(): Whole {
    const parts = this.#started.flatMap((part) => (part.status ? [[part.name, part.status()]] : []));
    return { ...this.#troubles(), parts: Object.fromEntries(parts) };
  }

  #apply(cause: string, patterns: readonly string[], { dataplane }: Config): void {
    const operations = this.#ports.refresh({ patterns, allowGeneric: dataplane.allow_generic });
    for (const operation of operations) {
      const ifindex = 'ifindex' in operation ? operation.ifindex : null;
      this.#events.emit('port_changed', { cause, operation: operation.kind, ifindex });
    }
  }

  #accepting(server: string): (error: Error) => void {
    return ({ message }) => this.#events.emit('connection_not_accepted', { server, reason: message });
  }

  /** Reads the file again and does all it says, or nothing. One at a time. @returns whether it took effect. */
  reload(): Promise<boolean> {
    this.#reloading = this.#reloading.then(() => this.#reloadOnce());
    return this.#reloading;
  }

  async #reloadOnce(): Promise<boolean> {
    // The manager compares with its own CLOCK_MONOTONIC, to tell this reload from one before (sd_notify(3)).
    notifyManager(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
    try {
      await this.#change(loadConfig(this.#options.configFile));
      this.#reloads.success++;
      this.#reloads.lastSuccessAt = Date.now();
      this.#reloads.lastSuccessful = true;
      this.#events.emit('config_reloaded', {});
    } catch (error) {
      this.#reloads.failure++;
      this.#reloads.lastSuccessful = false;
      this.#events.emit('reload_refused', { reason: error instanceof Error ? error.message : String(error) });
    }
    notifyManager('READY=1');
    return this.#reloads.lastSuccessful;
  }

  /** Goes over to another configuration. @throws when it cannot; everything is as before then. */
  async #change(next: Config): Promise<void> {
    const before = this.#config;
    if (this.#options.instance === undefined && next.instance !== before.instance)
      throw new StartError(
        `instance cannot change from "${before.instance}" to "${next.instance}" while the daemon runs, its pins bear the name: change it back, or stop the daemon, run "headrace detach --instance ${before.instance}" and start again`,
      );
    checkInterfaces(next, this.#options.configFile, this.#paths, patternsOf(before));
    for (const part of this.#parts) await part.check?.(next);
    const metrics = await this.#exporter?.prepare(next, before);
    try {
      // What either needs is on until all parts have gone over: a feature's maps go with it, and with them what a
      // refused reload would have to bring back.
      await this.#plane.prepareFeatures(featuresOfBoth(next, before));
      this.#plane.useFeatures(featuresOfBoth(next, before));
      this.#attachFor(next);
      await this.#applyParts(next, before);
    } catch (error) {
      metrics?.drop();
      this.#plane.useFeatures(featuresOf(before));
      this.refresh('reload undone');
      throw error;
    }
    this.#config = next;
    await metrics?.take();
    this.refresh('reload');
  }

  /** All parts go over, and the program to what they need; or all go back. */
  async #applyParts(next: Config, before: Config): Promise<void> {
    try {
      for (const part of this.#parts) await part.apply(next);
      this.#plane.useFeatures(featuresOf(next));
    } catch (error) {
      for (const part of this.#parts)
        try {
          await part.apply(before);
        } catch (again) {
          const reason = again instanceof Error ? again.message : String(again);
          this.#events.emit('part_not_restored', { part: part.name, reason });
        }
      throw error;
    }
  }

  /** Attaches what `next` adds and takes nothing off yet, so that undoing it disturbs no interface in use. */
  #attachFor(next: Config): void {
    const attached = this.#plane.attached();
    const troubled = new Set(this.#ports.states.flatMap((port) => (port.problem ? [port.ifindex] : [])));
    try {
      this.#apply('reload', [...patternsOf(this.#config), ...patternsOf(next)], next);
      const problems = this.#ports.states.flatMap(({ name, ifindex, problem }) =>
        problem && !troubled.has(ifindex) ? [`${name}: ${problem}`] : [],
      );
      if (problems.length > 0) throw new StartError(problems.join('\n'));
    } catch (error) {
      for (const ifindex of this.#plane.attached()) if (!attached.has(ifindex)) this.#ports.detach(ifindex);
      this.refresh('reload undone');
      throw error;
    }
  }

  status(): DaemonStatus {
    return statusOf({
      instance: this.#paths.instance,
      startedAt: this.#startedAt,
      configFile: path.resolve(this.#options.configFile),
      ports: this.#ports.states,
      whole: this.#whole(),
      counters: this.#plane.counters(),
      metrics: this.#exporter?.address,
      netlink: netlinkCounts(),
    });
  }

  /** Ends the daemon and leaves the packet path forwarding. */
  close(): void {
    notifyManager('STOPPING=1');
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#settle);
    for (const monitor of this.#monitors) monitor[Symbol.dispose]();
    this.#control?.close();
    this.#exporter?.close();
    for (const part of [...this.#parts].reverse()) part.close();
    this.#ports?.close();
    this.#netdev?.close();
    this.#egress?.close();
    this.#plane.close();
  }
}

/** What is on under one of them is on. */
function featuresOfBoth(next: Config, before: Config): Features {
  const on = Object.entries(featuresOf(before)).filter(([, value]) => value);
  return { ...featuresOf(next), ...Object.fromEntries(on) };
}
