/**
 * Differences between two JSON documents, and their application, as JSON Merge Patch (RFC 7396): objects are merged
 * member by member, null removes a member, everything else replaces. What is sent has no null of its own in objects,
 * which the patch could not tell from a removal: the writer of a document leaves such members out.
 */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
type JsonObject = { readonly [name: string]: Json };

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns the patch that makes `after` of `before`, undefined when they are equal. */
export function makePatch(before: Json, after: Json): Json | undefined {
  if (!isObject(before) || !isObject(after)) return equal(before, after) ? undefined : after;
  const patch: Record<string, Json> = {};
  for (const name of Object.keys(before)) if (!(name in after)) patch[name] = null;
  for (const [name, value] of Object.entries(after)) {
    const former = before[name];
    const change = former === undefined ? value : makePatch(former, value);
    if (change !== undefined) patch[name] = change;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/** @returns a new document; `target` stays as it is. */
export function applyPatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged: Record<string, Json> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = applyPatch(merged[name], value);
  }
  return merged;
}

function equal(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => equal(item, b[i]!));
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => b[name] !== undefined && equal(a[name]!, b[name]!))
  );
}
