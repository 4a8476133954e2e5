/**
 * Programs loaded beforehand, by someone with CAP_PERFMON, and pinned for the daemon, which has not.
 *
 * Without that capability the kernel puts barriers against speculation into a program, and each packet pays for them.
 * A pin is named after all that its program was made from: the object file, the constants, and the maps, by the ids the
 * kernel gave them. So a daemon of another build, with another configuration or over other maps finds nothing, and loads
 * for itself: slower, never wrong. Programs that were loaded without the capability, only so that the daemon need not wait
 * for it, bear it in their pin's name.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { type BpfMap, hasCapability, Program } from '../bpf/index.ts';
import { type Features, optionalMaps } from './optional-maps.ts';
import type { InstancePaths } from './pins.ts';

/** What a packet path runs. */
export interface Programs {
  readonly program: Program;
  readonly renew: Program;
  /** The kernel put barriers against speculation into the programs: they were loaded without CAP_PERFMON. */
  readonly barriers: boolean;
}

/** What decides which programs these are. */
export interface Ingredients {
  readonly objectPath: string;
  readonly features: Features;
  /** All the programs may use. */
  readonly maps: Iterable<BpfMap<never, never>>;
}

const withBarriers = '-barriers';
const names = { program: 'headrace_xdp', renew: 'headrace_renew' } as const;
/** Older ones go: what was tried and left is not come back to often. */
const VARIANTS_KEPT = 4;

const offByDefault: ReadonlySet<string> = new Set(Object.values(optionalMaps));

/** What makes the program another: a feature that is off anyway makes the same whether it is named or not. */
export function constantsOf(features: Features): [name: string, value: boolean | number][] {
  return Object.entries(features)
    .filter(([name, value]) => value || !offByDefault.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Name of the variant made of these. */
export function variantOf({ objectPath, features, maps }: Ingredients): string {
  const constants = constantsOf(features);
  const ids = [...maps].map((map) => [map.name, map.info().id] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash('sha256')
    .update(digestOf(objectPath))
    .update(JSON.stringify([constants, ids]));
  return hash.digest('hex').slice(0, 16);
}

const digests = new Map<string, { readonly file: string; readonly digest: Buffer }>();

/** Of a file's content, which is read again when the file is another. */
export function digestOf(objectPath: string): Buffer {
  const { ino, size, mtimeMs } = statSync(objectPath);
  const file = `${ino} ${size} ${mtimeMs}`;
  const known = digests.get(objectPath);
  if (known?.file === file) return known.digest;
  const digest = createHash('sha256').update(readFileSync(objectPath)).digest();
  digests.set(objectPath, { file, digest });
  return digest;
}

/**
 * The pinned programs made of these; undefined when nobody has loaded them. Who has CAP_PERFMON does better than to take
 * those with barriers. The caller closes them.
 */
export function openPreloaded(paths: InstancePaths, ingredients: Ingredients): Programs | undefined {
  const folder = path.join(paths.programs, variantOf(ingredients));
  const open = (from: string, barriers: boolean): Programs | undefined =>
    existsSync(path.join(from, names.renew))
      ? {
          program: Program.openPinned(path.join(from, names.program)),
          renew: Program.openPinned(path.join(from, names.renew)),
          barriers,
        }
      : undefined;
  return open(folder, false) ?? (hasCapability('CAP_PERFMON') ? undefined : open(folder + withBarriers, true));
}

/** Pins programs for whoever asks for these ingredients. The pin that tells that all is there goes last. */
export function pinPreloaded(paths: InstancePaths, ingredients: Ingredients, programs: Programs): string {
  const variant = variantOf(ingredients);
  const folder = path.join(paths.programs, variant) + (programs.barriers ? withBarriers : '');
  removeVariant(folder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  programs.program.pin(path.join(folder, names.program));
  programs.renew.pin(path.join(folder, names.renew));
  for (const old of variants(paths).slice(VARIANTS_KEPT)) removeVariant(old);
  return variant;
}

/** Forgets all of them. Those that are attached stay so. */
export function removePreloaded(paths: InstancePaths): void {
  if (!existsSync(paths.programs)) return;
  for (const folder of variants(paths)) removeVariant(folder);
  rmdirSync(paths.programs);
}

/** Folders of all variants, the newest first. */
function variants(paths: InstancePaths): string[] {
  return readdirSync(paths.programs)
    .map((name) => path.join(paths.programs, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
}

function removeVariant(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) unlinkSync(path.join(folder, name));
  rmdirSync(folder);
}
