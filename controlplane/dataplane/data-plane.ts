/**
 * The packet path as the control plane holds it: maps and links, pinned, adopted from whoever ran before.
 *
 * Opening it either takes over all that is pinned, with the program in every link exchanged for this build's, or
 * changes nothing: pins of another layout or another network namespace are refused. Closing it closes descriptors and
 * leaves everything forwarding; `removeInstance` is what takes it away.
 */
import { existsSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import {
  type Counter,
  type Layout,
  layoutHash,
  maps,
  type Port,
  type Settings,
  type Slot,
} from '../bpf/generated/headrace.ts';
import {
  BpfMap,
  BpfObject,
  ensureBpffs,
  LayoutError,
  type LinkInfo,
  netnsInode,
  type Program,
  XdpLink,
  type XdpMode,
} from '../bpf/index.ts';
import { type CounterRow, readCounters, slotNames } from './counters.ts';
import type { InstancePaths } from './pins.ts';

export interface DataPlaneMaps {
  readonly ports: BpfMap<number, Port>;
  readonly slots: BpfMap<number, Slot>;
  readonly counters: BpfMap<number, Counter>;
  readonly txPorts: BpfMap<number, number>;
  readonly ownV4: BpfMap<number, number>;
  readonly strangers: BpfMap<number, bigint>;
  readonly settings: BpfMap<number, Settings>;
  readonly layout: BpfMap<number, Layout>;
}

/** A link of this instance, by the interface it was made for. */
export interface PinnedLink extends LinkInfo {
  readonly pin: string;
}

export class DataPlane implements Disposable {
  readonly maps: DataPlaneMaps;
  readonly #paths: InstancePaths;
  readonly #program: Program;
  readonly #renew: Program;
  readonly #links = new Map<number, XdpLink>();

  private constructor(paths: InstancePaths, opened: DataPlaneMaps, program: Program, renew: Program) {
    this.#paths = paths;
    this.maps = opened;
    this.#program = program;
    this.#renew = renew;
  }

  /**
   * Loads the programs over the pinned maps, or new ones, and puts them into the pinned links.
   * @throws LayoutError for pins this build or namespace must not touch; BpfError, VerifierError.
   */
  static open(objectPath: string, paths: InstancePaths): DataPlane {
    ensureBpffs(paths.bpffs);
    const fresh = !existsSync(path.join(paths.maps, maps.layout.name));
    if (!fresh) checkLayout(paths);
    using object = BpfObject.open(objectPath);
    const reused: BpfMap<never, never>[] = [];
    try {
      if (!fresh)
        for (const descriptor of Object.values(maps)) {
          const pinned = BpfMap.openPinned(path.join(paths.maps, descriptor.name), descriptor as never);
          reused.push(pinned as BpfMap<never, never>);
          object.reuse(pinned);
        }
      object.load();
    } finally {
      for (const map of reused) map.close();
    }
    const opened = takeMaps(object);
    if (fresh) pinMaps(opened, paths);
    const plane = new DataPlane(paths, opened, object.program('headrace_xdp'), object.program('headrace_renew'));
    plane.#adopt();
    return plane;
  }

  /** Defunct links (their interface is gone) are forgotten; the others get this build's program, atomically. */
  #adopt(): void {
    for (const { pin, ifindex } of pinnedLinks(this.#paths)) {
      if (ifindex === 0) {
        unlinkSync(pin);
        continue;
      }
      const link = XdpLink.openPinned(pin);
      link.update(this.#program);
      this.#links.set(ifindex, link);
    }
  }

  /** Interfaces with a link whose interface still exists. */
  attached(): ReadonlySet<number> {
    for (const [ifindex, link] of this.#links) {
      if (link.info().ifindex === ifindex) continue;
      link.close();
      this.#links.delete(ifindex);
      unlinkIfThere(path.join(this.#paths.links, String(ifindex)));
    }
    return new Set(this.#links.keys());
  }

  get programId(): number {
    return this.#program.info().id;
  }

  /** Attaches and pins. @throws BpfError; nothing is attached then. */
  attach(ifindex: number, mode: XdpMode): void {
    const link = XdpLink.attach(this.#program, ifindex, mode);
    try {
      link.pin(path.join(this.#paths.links, String(ifindex)));
    } catch (error) {
      link.close();
      throw error;
    }
    this.#links.set(ifindex, link);
  }

  detach(ifindex: number): void {
    const link = this.#links.get(ifindex);
    if (!link) return;
    link.detach();
    link.close();
    this.#links.delete(ifindex);
    unlinkIfThere(path.join(this.#paths.links, String(ifindex)));
  }

  /** The interface name's counter slot; a new one for a new name. Slot 0 (shared) when all are taken. */
  slotOf(name: string): number {
    const names = slotNames(this.maps.slots);
    for (const [slot, taken] of names) if (taken === name) return slot;
    for (let slot = 1; slot < maps.slots.maxEntries; slot++) {
      if (names.has(slot)) continue;
      this.maps.slots.set(slot, { name });
      return slot;
    }
    return 0;
  }

  counters(): CounterRow[] {
    return readCounters(this.maps.slots, this.maps.counters);
  }

  /** What the control plane follows may be trusted for another while. Call once a second. */
  renewLease(): void {
    this.#renew.testRun({ data: new Uint8Array(64) });
  }

  /** What the control plane follows may not be trusted from now on, until it is renewed twice. */
  endLease(): void {
    this.maps.settings.set(0, { lease: 0n, renewed: 0n });
  }

  close(): void {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    this.#program.close();
    this.#renew.close();
    for (const map of Object.values(this.maps) as BpfMap<unknown, unknown>[]) map.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function takeMaps(object: BpfObject): DataPlaneMaps {
  return {
    ports: object.map(maps.ports),
    slots: object.map(maps.slots),
    counters: object.map(maps.counters),
    txPorts: object.map(maps.txPorts),
    ownV4: object.map(maps.ownV4),
    strangers: object.map(maps.strangers),
    settings: object.map(maps.settings),
    layout: object.map(maps.layout),
  };
}

/** The layout goes last: a start that was interrupted before it left pins that the next one replaces. */
function pinMaps(opened: DataPlaneMaps, paths: InstancePaths): void {
  mkdirSync(paths.maps, { recursive: true, mode: 0o700 });
  mkdirSync(paths.links, { recursive: true, mode: 0o700 });
  opened.layout.set(0, { hash: layoutHash, netns: netnsInode() });
  const { layout, ...others } = opened;
  for (const map of [...(Object.values(others) as BpfMap<unknown, unknown>[]), layout]) {
    const pin = path.join(paths.maps, map.name);
    unlinkIfThere(pin);
    map.pin(pin);
  }
}

function checkLayout(paths: InstancePaths): void {
  using map = BpfMap.openPinned(path.join(paths.maps, maps.layout.name), maps.layout);
  const made = map.get(0);
  if (made?.netns !== netnsInode())
    throw new LayoutError(
      `adopt ${paths.pins}: instance "${paths.instance}" serves another network namespace; ` +
        'give this one a name of its own with --instance NAME, or remove the other with: headrace detach',
    );
  if (made.hash !== layoutHash)
    throw new LayoutError(
      `adopt ${paths.pins}: its maps were made by a build with another layout; they go on forwarding as they are. ` +
        `To change over, run: headrace detach --instance ${paths.instance}, then start again`,
    );
}

/** Links pinned by an instance, whether a daemon runs or not. */
export function pinnedLinks(paths: InstancePaths): PinnedLink[] {
  if (!existsSync(paths.links)) return [];
  return readdirSync(paths.links).map((name) => {
    const pin = path.join(paths.links, name);
    using link = XdpLink.openPinned(pin);
    return { pin, ...link.info() };
  });
}

/** Counters straight from the pins; undefined when the instance has none. */
export function pinnedCounters(paths: InstancePaths): CounterRow[] | undefined {
  if (!existsSync(path.join(paths.maps, maps.layout.name))) return undefined;
  using slots = BpfMap.openPinned(path.join(paths.maps, maps.slots.name), maps.slots);
  using counters = BpfMap.openPinned(path.join(paths.maps, maps.counters.name), maps.counters);
  return readCounters(slots, counters);
}

/** Detaches every link and removes every pin. @returns the number of interfaces that were attached. */
export function removeInstance(paths: InstancePaths): number {
  let detached = 0;
  for (const { pin, ifindex } of pinnedLinks(paths)) {
    using link = XdpLink.openPinned(pin);
    if (ifindex !== 0) {
      link.detach();
      detached++;
    }
    unlinkSync(pin);
  }
  if (existsSync(paths.maps)) for (const name of readdirSync(paths.maps)) unlinkSync(path.join(paths.maps, name));
  for (const directory of [paths.links, paths.maps, paths.pins]) if (existsSync(directory)) rmdirSync(directory);
  return detached;
}

function unlinkIfThere(file: string): void {
  if (existsSync(file)) unlinkSync(file);
}
