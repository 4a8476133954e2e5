/**
 * The packet path as the control plane holds it: maps and links, pinned, adopted from whoever ran before.
 *
 * Opening it either takes over all that is pinned, with the program in every link exchanged for this build's, or
 * changes nothing: pins of another layout or another network namespace are refused. Closing it closes descriptors and
 * leaves everything forwarding; `removeInstance` is what takes it away.
 */
import { existsSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { layoutHash, maps } from '../bpf/generated/headrace.ts';
import { BpfMap, ensureBpffs, LayoutError, type LinkInfo, netnsInode, XdpLink, type XdpMode } from '../bpf/index.ts';
import { type CounterRow, forgetSlot, type PathRow, readCounters, readPaths, slotNames } from './counters.ts';
import {
  type DataPlaneMaps,
  ingredientsOf,
  type Loaded,
  loadOver,
  pinMaps,
  takePreloaded,
  unpinOthers,
} from './loading.ts';
import { Losses, type LossRow, removeLosses } from './losses.ts';
import type { Features } from './optional-maps.ts';
import type { InstancePaths } from './pins.ts';
import { preloadAside } from './preload.ts';
import { pinPreloaded, removePreloaded } from './preloaded.ts';

const RENEWAL_MIN_MS = 600;

/** A link of this instance, by the interface it was made for. */
export interface PinnedLink extends LinkInfo {
  readonly pin: string;
}

export class DataPlane implements Disposable {
  readonly #objectPath: string;
  readonly #paths: InstancePaths;
  readonly #links = new Map<number, XdpLink>();
  /** Slots by the names they count for; nobody else writes them. Read when first asked for. */
  #slots: Map<string, number> | undefined;
  #features: Features;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #loaded: Loaded;
  #losses: Losses | undefined;

  private constructor(objectPath: string, paths: InstancePaths, features: Features, loaded: Loaded) {
    this.#objectPath = objectPath;
    this.#paths = paths;
    this.#features = features;
    this.#loaded = loaded;
  }

  /**
   * Loads the programs over the pinned maps, or new ones, and puts them into the pinned links.
   * @throws LayoutError for pins this build or namespace must not touch; BpfError, VerifierError.
   */
  static open(objectPath: string, paths: InstancePaths, features: Features = {}): DataPlane {
    ensureBpffs(paths.bpffs);
    const loaded = openLoaded(objectPath, paths, features, true);
    unpinOthers(loaded.maps, paths);
    const plane = new DataPlane(objectPath, paths, features, loaded);
    plane.#adopt();
    return plane;
  }

  /**
   * Loads the programs and pins them for an `open` with the same features, by someone with less privileges, to take. Maps
   * are made where there are none; nothing that is attached changes.
   * @returns the variant's name
   * @throws as open
   */
  static preload(objectPath: string, paths: InstancePaths, features: Features = {}): string {
    ensureBpffs(paths.bpffs);
    const loaded = openLoaded(objectPath, paths, features, false);
    try {
      return pinPreloaded(paths, ingredientsOf(objectPath, features, loaded.maps), loaded);
    } finally {
      closeLoaded(loaded);
    }
  }

  get maps(): DataPlaneMaps {
    return this.#loaded.maps;
  }

  /** As last asked for; what is not named has the object's own default. */
  get features(): Features {
    return this.#features;
  }

  /** The programs carry barriers against speculation, since nobody with CAP_PERFMON loaded them: each packet is dearer. */
  get barriers(): boolean {
    return this.#loaded.barriers;
  }

  /**
   * Has all that `useFeatures` with these constants needs loaded by a process of its own, so that it takes no time here:
   * maps of hundreds of megabytes and a program to verify keep whoever makes them for half a second. When that cannot be
   * done, `useFeatures` does it.
   * @returns what went wrong
   */
  async prepareFeatures(changes: Features): Promise<string | undefined> {
    const features = { ...this.#features, ...changes };
    if (this.#areInUse(features)) return undefined;
    const ready = takePreloaded(this.#objectPath, this.#paths, features);
    if (ready) {
      closeLoaded(ready);
      return undefined;
    }
    return preloadAside({ objectPath: this.#objectPath, paths: this.#paths, features });
  }

  #areInUse(features: Features): boolean {
    return Object.entries(features).every(([name, value]) => this.#features[name] === value);
  }

  /**
   * Goes over to a program with these constants, in every link at once or in none. What is not named stays as it is.
   * `maps` are other objects afterwards, over the same kernel maps: hold on to none of them across this call.
   * @throws BpfError, VerifierError; everything is as before then.
   */
  useFeatures(changes: Features): void {
    const features = { ...this.#features, ...changes };
    if (this.#areInUse(features)) {
      // What was prepared for a change that did not come to be.
      unpinOthers(this.#loaded.maps, this.#paths);
      return;
    }
    const before = this.#loaded;
    const loaded =
      takePreloaded(this.#objectPath, this.#paths, features) ?? loadOver(this.#objectPath, this.#paths, features, true);
    const updated: XdpLink[] = [];
    try {
      for (const [ifindex, link] of this.#links) {
        if (link.info().ifindex !== ifindex) continue; // its interface has just gone
        link.update(loaded.program);
        updated.push(link);
      }
      pinMaps(loaded.maps, this.#paths, true);
      unpinOthers(loaded.maps, this.#paths);
    } catch (error) {
      for (const link of updated) link.update(before.program);
      closeLoaded(loaded);
      throw error;
    }
    this.#loaded = loaded;
    this.#features = features;
    closeLoaded(before);
  }

  /** Defunct links (their interface is gone) are forgotten; the others get this build's program, atomically. */
  #adopt(): void {
    for (const { pin, ifindex } of pinnedLinks(this.#paths)) {
      if (ifindex === 0) {
        unlinkSync(pin);
        continue;
      }
      const link = XdpLink.openPinned(pin);
      link.update(this.#loaded.program);
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

  /** How often and how long the program in the links ran, as far as the kernel counts it (`Program.info`). */
  get programRuns(): { readonly runs: bigint; readonly runNs: bigint } {
    return this.#loaded.program.info();
  }

  /** Fill of the maps that are small enough to be counted at any time. */
  mapFill(): { readonly name: string; readonly entries: number; readonly maxEntries: number }[] {
    const { txPorts, ablePorts, ownV4, slots } = this.maps;
    return [
      { name: txPorts.name, entries: [...txPorts.keys()].length, maxEntries: txPorts.maxEntries },
      { name: ablePorts.name, entries: [...ablePorts.keys()].length, maxEntries: ablePorts.maxEntries },
      { name: ownV4.name, entries: [...ownV4.keys()].length, maxEntries: ownV4.maxEntries },
      { name: slots.name, entries: slotNames(slots).size, maxEntries: slots.maxEntries },
    ];
  }

  get programId(): number {
    return this.#loaded.program.info().id;
  }

  /** Attaches and pins. @throws BpfError; nothing is attached then. */
  attach(ifindex: number, mode: XdpMode): void {
    const link = XdpLink.attach(this.#loaded.program, ifindex, mode);
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

  /**
   * The interface name's counter slot; a new one for a new name. When all are taken, that of a name that no interface
   * bears any more, whose counters begin anew; slot 0, shared, when there is none.
   * @param alive names that keep their slots; all by default
   */
  slotOf(name: string, alive?: ReadonlySet<string>): number {
    this.#slots ??= new Map([...slotNames(this.maps.slots)].map(([slot, taken]) => [taken, slot]));
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const slot = this.#freeSlot(this.#slots, alive);
    if (slot === 0) return 0;
    this.maps.slots.set(slot, { name });
    this.#slots.set(name, slot);
    return slot;
  }

  #freeSlot(slots: Map<string, number>, alive: ReadonlySet<string> | undefined): number {
    if (slots.size < maps.slots.maxEntries) {
      const taken = new Set(slots.values());
      for (let slot = 1; slot < maps.slots.maxEntries; slot++) if (!taken.has(slot)) return slot;
    }
    for (const [name, slot] of slots) {
      if (slot === 0 || !alive || alive.has(name)) continue;
      slots.delete(name);
      this.maps.slots.set(slot, { name: '' });
      forgetSlot(this.maps.counters, slot);
      this.#losses?.forget(slot);
      return slot;
    }
    return 0;
  }

  counters(): CounterRow[] {
    return readCounters(this.maps.slots, this.maps.counters);
  }

  /** What XDP sent, by the interfaces it came in by and left by. */
  paths(): PathRow[] {
    return readPaths(this.maps.slots, this.maps.counters);
  }

  /**
   * Has what is lost after the verdict counted, from now on or as before.
   * @throws BpfError, VerifierError where that cannot be: packets are forwarded all the same.
   */
  countLosses(objectPath: string): void {
    this.#losses ??= Losses.open(objectPath, this.#paths);
  }

  /** What was lost after the verdict, of every interface with a slot; undefined while it is not counted. */
  losses(): LossRow[] | undefined {
    return this.#losses?.rows(slotNames(this.maps.slots));
  }

  /**
   * What the control plane follows may be trusted for another while. Call once a second. The time between two renewals
   * is the lease's measure, so calls in quick succession, after the loop was held up, count as one.
   */
  renewLease(): void {
    const now = performance.now();
    if (now - this.#renewedAt < RENEWAL_MIN_MS) return;
    this.#renewedAt = now;
    this.#loaded.renew.testRun({ data: new Uint8Array(64) });
  }

  /** What the control plane follows may not be trusted from now on, until it is renewed twice. */
  endLease(): void {
    this.maps.settings.set(0, { ...this.maps.settings.get(0)!, lease: 0n, renewed: 0n });
  }

  close(): void {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    this.#losses?.close();
    closeLoaded(this.#loaded);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Programs over the pinned maps, or over new ones, which are pinned. @param take those loaded beforehand will do */
function openLoaded(objectPath: string, paths: InstancePaths, features: Features, take: boolean): Loaded {
  const adopt = existsSync(path.join(paths.maps, maps.layout.name));
  if (adopt) checkLayout(paths);
  const taken = adopt && take ? takePreloaded(objectPath, paths, features) : undefined;
  const loaded = taken ?? loadOver(objectPath, paths, features, adopt);
  if (!adopt) loaded.maps.layout.set(0, { hash: layoutHash, netns: netnsInode() });
  pinMaps(loaded.maps, paths, adopt);
  return loaded;
}

function closeLoaded({ maps: opened, program, renew }: Loaded): void {
  program.close();
  renew.close();
  for (const map of Object.values(opened) as BpfMap<unknown, unknown>[]) map.close();
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
  removePreloaded(paths);
  removeLosses(paths);
  if (existsSync(paths.maps)) for (const name of readdirSync(paths.maps)) unlinkSync(path.join(paths.maps, name));
  for (const directory of [paths.links, paths.maps, paths.pins]) if (existsSync(directory)) rmdirSync(directory);
  return detached;
}

function unlinkIfThere(file: string): void {
  if (existsSync(file)) unlinkSync(file);
}
