/**
 * Packets that were lost after the packet path had sent them, counted by programs on the kernel's tracepoints.
 *
 * Counters and attached programs are pinned, so they go on while no daemon runs. Loading takes CAP_PERFMON, which the
 * daemon under its unit has not: the loader does it beforehand, and the daemon attaches what it finds. Where nobody could
 * load them (no capability, or a kernel without its own BTF) packets are forwarded all the same, and what gets lost is
 * not counted.
 *
 *     maps/losses                      the counters, by the packet path's slots
 *     losses/VARIANT/program-NAME      loaded, by whoever may
 *     losses/VARIANT/link-NAME         attached
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { maps as pathMaps } from '../bpf/generated/headrace.ts';
import { type Losses as Lost, lossCauseNames, maps } from '../bpf/generated/losses.ts';
import {
  BpfError,
  BpfMap,
  BpfObject,
  hasCapability,
  LayoutError,
  netnsInode,
  Program,
  TracepointLink,
} from '../bpf/index.ts';
import type { InstancePaths } from './pins.ts';
import { digestOf } from './preloaded.ts';

/** What one interface lost, by cause: packets that should have left by it. */
export interface LossRow {
  /** Empty for interfaces that have no slot. */
  readonly interface: string;
  readonly cause: string;
  readonly packets: bigint;
}

const EPERM = 1;

export const lossCauses: readonly string[] = lossCauseNames;

const programs = ['headrace_redirect_err', 'headrace_devmap_xmit', 'headrace_exception'] as const;
/** Maps of the packet path that the programs are about. */
const about = ['ports', 'tx_ports', 'able_ports'] as const;

export class Losses implements Disposable {
  readonly #map: BpfMap<number, Lost>;

  private constructor(map: BpfMap<number, Lost>) {
    this.#map = map;
  }

  /**
   * Counts from now on, or goes on counting. Only after the packet path's maps are pinned.
   * @throws BpfError, VerifierError: nothing is counted then.
   */
  static open(objectPath: string, paths: InstancePaths): Losses {
    const map = loadedMap(objectPath, paths);
    try {
      attachAll(folderOf(objectPath, paths, map), paths);
      return new Losses(map);
    } catch (error) {
      map.close();
      throw error;
    }
  }

  /** By the slots in use, which a name each has. A system call for each. */
  rows(slots: ReadonlyMap<number, string>): LossRow[] {
    const rows: LossRow[] = [];
    const { cpus, valueStride } = this.#map;
    for (const [slot, name] of slots) {
      const view = this.#map.readRange(slot, 1);
      for (const [cause, word] of lossCauses.entries()) {
        let packets = 0n;
        for (let cpu = 0; cpu < cpus; cpu++) packets += view.getBigUint64(cpu * valueStride + cause * 8, true);
        // Slot 0 has no name to be asked for by; those of interfaces are told from zero on.
        if (name !== '' || packets > 0n) rows.push({ interface: name, cause: word, packets });
      }
    }
    return rows;
  }

  /** Begins a slot's counters anew: it is another interface's from now on. */
  forget(slot: number): void {
    this.#map.set(slot, { packets: Array.from({ length: 8 }, () => 0n) });
  }

  close(): void {
    this.#map.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Loads the programs for a daemon that may not, and attaches nothing. @throws BpfError, VerifierError */
export function preloadLosses(objectPath: string, paths: InstancePaths): void {
  loadedMap(objectPath, paths).close();
}

/** Attached programs are taken off, and all pins but the counters' removed. */
export function removeLosses(paths: InstancePaths): void {
  if (!existsSync(paths.losses)) return;
  for (const name of readdirSync(paths.losses)) removeFolder(path.join(paths.losses, name));
  rmdirSync(paths.losses);
}

/** The counters, with programs over them pinned. */
function loadedMap(objectPath: string, paths: InstancePaths): BpfMap<number, Lost> {
  const pinned = pinnedMap(paths);
  if (pinned && has(folderOf(objectPath, paths, pinned), 'program')) return pinned;
  try {
    return load(objectPath, paths, pinned);
  } finally {
    pinned?.close();
  }
}

/** Undefined when there is none, or only one of another layout. */
function pinnedMap(paths: InstancePaths): BpfMap<number, Lost> | undefined {
  const pin = path.join(paths.maps, maps.losses.name);
  if (!existsSync(pin)) return undefined;
  try {
    return BpfMap.openPinned(pin, maps.losses);
  } catch (error) {
    if (error instanceof LayoutError) return undefined;
    throw error;
  }
}

function load(
  objectPath: string,
  paths: InstancePaths,
  pinned: BpfMap<number, Lost> | undefined,
): BpfMap<number, Lost> {
  if (!hasCapability('CAP_PERFMON')) throw new BpfError('load the programs that count losses', EPERM);
  const [, txPorts, ablePorts] = idsOf(paths);
  using object = BpfObject.open(objectPath);
  object.setConstants({ own_netns: netnsInode(), own_tx_ports: txPorts!, own_able_ports: ablePorts! });
  object.reusePinned('ports', path.join(paths.maps, pathMaps.ports.name));
  if (pinned) object.reuse(pinned);
  object.load();
  const map = object.map(maps.losses);
  try {
    if (!pinned) {
      const pin = path.join(paths.maps, map.name);
      if (existsSync(pin)) unlinkSync(pin);
      map.pin(pin);
    }
    const folder = folderOf(objectPath, paths, map);
    removeFolder(folder);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of programs) {
      using program = object.program(name);
      program.pin(path.join(folder, `program-${name}`));
    }
    return map;
  } catch (error) {
    map.close();
    throw error;
  }
}

/** Attaches what is not, and takes off those of other builds. */
function attachAll(folder: string, paths: InstancePaths): void {
  for (const name of readdirSync(paths.losses)) {
    const other = path.join(paths.losses, name);
    if (other !== folder) removeFolder(other);
  }
  for (const name of programs) {
    const pin = path.join(folder, `link-${name}`);
    if (existsSync(pin)) continue;
    using program = Program.openPinned(path.join(folder, `program-${name}`));
    using link = TracepointLink.attach(program);
    link.pin(pin);
  }
}

/** Named after all that the programs were made of. */
function folderOf(objectPath: string, paths: InstancePaths, map: BpfMap<number, Lost>): string {
  const hash = createHash('sha256')
    .update(digestOf(objectPath))
    .update(JSON.stringify([netnsInode().toString(), ...idsOf(paths), map.info().id]));
  return path.join(paths.losses, hash.digest('hex').slice(0, 16));
}

/** What the kernel calls the packet path's maps. */
function idsOf(paths: InstancePaths): number[] {
  const descriptors = { ports: pathMaps.ports, tx_ports: pathMaps.txPorts, able_ports: pathMaps.ablePorts };
  return about.map((name) => {
    using map = BpfMap.openPinned<unknown, unknown>(path.join(paths.maps, name), descriptors[name] as never);
    return map.info().id;
  });
}

function has(folder: string, what: 'program' | 'link'): boolean {
  return programs.every((name) => existsSync(path.join(folder, `${what}-${name}`)));
}

function removeFolder(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) unlinkSync(path.join(folder, name));
  rmdirSync(folder);
}
