import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Rule } from '../../../../../controlplane/netlink/index.ts';
import { RuleReader } from '../../../../../controlplane/routing/mirror/rule-reader.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const own = (family: 4 | 6): Rule[] =>
  [[0, 255], [32766, 254], ...(family === 4 ? [[32767, 253]] : [])].map(
    ([priority, table]) =>
      ({ family, priority, table, action: 'table', inverted: false, l3mdev: false, tos: 0 }) as unknown as Rule,
  );

test('RuleReader says stale until the rules were read, and tries again after a pause', () => {
  const sides = [
    { family: 4 as const, rule: undefined as string | undefined },
    { family: 6 as const, rule: undefined as string | undefined },
  ];
  let [reads, failing] = [0, true];
  const policy = { ...own(4)[1]!, priority: 100 };
  using reader: RuleReader = new RuleReader({
    read: () => {
      reads++;
      if (failing) throw new Error('ENOMEM');
      return [policy, ...own(4), ...own(6)];
    },
    sides,
    onRetry: () => reader.refresh(),
  });
  expect(reader.stale).toBe(true);
  // Each slice asks; the kernel is not asked as often.
  for (let slice = 0; slice < 100; slice++) reader.refresh();
  expect([reads, reader.stale]).toEqual([1, true]);
  vi.advanceTimersByTime(20);
  expect([reads, reader.stale]).toEqual([2, true]);
  failing = false;
  vi.advanceTimersByTime(20);
  expect([reads, reader.stale]).toEqual([3, false]);
  expect(sides.map(({ rule }) => rule)).toEqual(['IPv4 rule 100', undefined]);
  reader.refresh();
  expect(reads).toBe(3);
  reader.invalidate();
  reader.refresh();
  expect([reads, reader.stale]).toEqual([4, false]);
});

test('a rule with conditions that are not known keeps the mirror out', () => {
  const sides = [{ family: 4 as const, rule: undefined as string | undefined }];
  const [local, main, fallback] = own(4);
  using reader = new RuleReader({
    read: () => [local!, { ...main!, unknownConditions: true }, fallback!],
    sides,
    onRetry: () => {},
  });
  reader.refresh();
  expect(sides[0]!.rule).toBe('IPv4 rule 32766');
});
