/** Counters outlive interfaces, and there is room for a limited number of names. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { counterLayout, maps, pathLayout } from '../../controlplane/bpf/generated/headrace.ts';
import { umount } from '../../controlplane/bpf/libc.ts';
import { cellsOf, waysOf } from '../../controlplane/dataplane/counters.ts';
import { DataPlane, type InstancePaths, instancePaths, removeInstance } from '../../controlplane/dataplane/index.ts';

describe('slotOf()', () => {
  const object = path.resolve(import.meta.dirname, '../../build/xdp/headrace.bpf.o');
  let root: string;
  let paths: InstancePaths;
  let plane: DataPlane;

  beforeAll(() => {
    root = mkdtempSync(path.join(tmpdir(), 'headrace-slots-'));
    paths = instancePaths('slots', root);
    plane = DataPlane.open(object, paths, { feature_paths: true });
  });
  afterAll(() => {
    plane?.close();
    removeInstance(paths);
    umount(paths.bpffs, 0);
    rmSync(root, { recursive: true });
  });

  const name = (i: number): string => `n${i}`;
  const last = maps.slots.maxEntries - 1;

  it('gives every name a slot of its own and keeps it, also over a restart', () => {
    const slots = Array.from({ length: last }, (_, i) => plane.slotOf(name(i + 1)));
    expect(new Set(slots).size).toBe(last);
    expect(slots).not.toContain(0);
    expect(slots[6]).toBe(plane.slotOf(name(7)));
    plane.close();
    plane = DataPlane.open(object, paths, { feature_paths: true });
    expect(plane.slotOf(name(7))).toBe(slots[6]);
  });

  it('shares slot 0 when all are taken by names that are alive', () => {
    const alive = new Set(Array.from({ length: last }, (_, i) => name(i + 1)));
    expect(plane.slotOf('late', alive)).toBe(0);
    expect(plane.slotOf('late')).toBe(0);
  });

  it('takes the slot of a name that is gone, with counters of zero', () => {
    const slot = plane.slotOf(name(7));
    const first = slot * counterLayout.COUNTERS_PER_SLOT;
    cellsOf(plane.maps.counters).set(first + 3, { packets: 5n, bytes: 500n });
    const other = plane.slotOf(name(8));
    for (const way of [slot * pathLayout.SLOTS + other, other * pathLayout.SLOTS + slot])
      waysOf(plane.maps.counters).set(way * pathLayout.KINDS, { packets: 5n, bytes: 500n });
    expect(plane.paths()).toHaveLength(2);
    const ofOther = () => plane.counters().filter((row) => row.interface === name(8));
    const before = ofOther();
    expect(before).toMatchObject([{ verdict: 'tx', reason: 'forwarded' }]);
    const alive = new Set(Array.from({ length: last }, (_, i) => name(i + 1)).filter((each) => each !== name(7)));
    expect(plane.slotOf('late', alive)).toBe(slot);
    expect(plane.slotOf('late')).toBe(slot);
    expect(plane.maps.slots.get(slot)).toEqual({ name: 'late' });
    expect(plane.counters().filter((row) => row.interface === 'late' || row.interface === name(7))).toEqual([]);
    expect(plane.paths()).toEqual([]);
    expect(ofOther()).toEqual(before); // counters never go back
    expect(plane.slotOf(name(7), new Set([...alive, 'late']))).toBe(0);
  });
});
