/**
 * What a daemon must know of the one before: which number stands for which name, what was configured last, and since
 * when backends drain. It belongs to the pinned maps and is thrown away with them. Written before anything new becomes
 * visible to packets.
 */
import { layoutHash } from '../bpf/generated/headrace.ts';
import { readJson, writeJson } from './json-file.ts';
import type { BalancerSpec } from './model.ts';
import { NumberRegistry, type RegistryState } from './number-registry.ts';

export interface Limits {
  readonly services: number;
  readonly backends: number;
  readonly rings: number;
}

interface Stored {
  readonly version: 1;
  /** Of the maps' layout: another build may mean another thing by the same words. */
  readonly layout: string;
  readonly identity: number;
  readonly services: RegistryState;
  readonly backends: RegistryState;
  readonly rings: RegistryState;
  readonly spec: BalancerSpec | null;
  readonly up: readonly string[];
  readonly draining: readonly (readonly [backend: string, since: number])[];
}

export class BalancerState {
  readonly services: NumberRegistry;
  readonly backends: NumberRegistry;
  readonly rings: NumberRegistry;
  /** As last applied; undefined when there is nothing pinned to go with. */
  spec: BalancerSpec | undefined;
  /** Services that were up. */
  up: ReadonlySet<string>;
  /** Wall clock, by `pool/backend`: since when the file says that it drains. */
  readonly draining: Map<string, number>;
  readonly #file: string;
  readonly #identity: number;

  /** Is it what a former daemon left? If not, nothing is known of what stands in the maps. */
  readonly restored: boolean;

  /**
   * @param identity of the maps: a state of others is ignored, and so is a file that cannot be understood.
   * @param forget whatever the file says
   * @throws when the file is only half understood
   */
  constructor(file: string, identity: number, limits: Limits, forget = false) {
    const stored = forget ? undefined : storedFor(file, identity);
    this.restored = stored !== undefined;
    this.#file = file;
    this.#identity = identity;
    this.services = new NumberRegistry('services and VIPs', limits.services, stored?.services);
    this.backends = new NumberRegistry('backends', limits.backends, stored?.backends);
    this.rings = new NumberRegistry('rings', limits.rings, stored?.rings);
    this.spec = stored?.spec ?? undefined;
    this.up = new Set(stored?.up);
    this.draining = new Map(stored?.draining);
  }

  save(): void {
    const stored: Stored = {
      version: 1,
      layout: String(layoutHash),
      identity: this.#identity,
      services: this.services.toJSON(),
      backends: this.backends.toJSON(),
      rings: this.rings.toJSON(),
      spec: this.spec ?? null,
      up: [...this.up],
      draining: [...this.draining],
    };
    writeJson(this.#file, stored);
  }
}

/** What a balancer that no longer runs was told last, for people; undefined when that is not known. */
export function lastSpec(file: string): BalancerSpec | undefined {
  try {
    const stored = readJson(file) as Stored | undefined;
    return stored?.version === 1 ? (stored.spec ?? undefined) : undefined;
  } catch {
    return undefined;
  }
}

function storedFor(file: string, identity: number): Stored | undefined {
  try {
    const stored = readJson(file) as Stored | undefined;
    const ours = stored?.version === 1 && stored.layout === String(layoutHash) && stored.identity === identity;
    return ours ? stored : undefined;
  } catch {
    return undefined;
  }
}
