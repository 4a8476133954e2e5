import { afterEach, describe, expect, test, vi } from 'vitest';
import * as c from '../../../../../controlplane/netlink/constants.ts';
import { Changes } from '../../../../../controlplane/routing/mirror/changes.ts';
import { EventLog } from '../../../../../controlplane/routing/mirror/event-log.ts';
import { newSides } from '../../../../../controlplane/routing/mirror/side.ts';
import { Surroundings } from '../../../../../controlplane/routing/mirror/surroundings.ts';

afterEach(() => vi.restoreAllMocks());

/** Attributes of four bytes each, behind a header. */
function message(
  header: readonly number[],
  attributes: readonly (readonly [type: number, bytes: readonly number[]])[],
) {
  const bytes = [...header, ...attributes.flatMap(([type, value]) => [4 + value.length, 0, type, 0, ...value])];
  return new DataView(Uint8Array.from(bytes).buffer);
}

/** 10.A.B.0/24 by 192.0.2.1 on interface 5. */
const route = (a: number, b: number): DataView =>
  message(
    [c.AF_INET, 24, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0],
    [
      [c.RTA_DST, [10, a, b, 0]],
      [c.RTA_GATEWAY, [192, 0, 2, 1]],
      [c.RTA_OIF, [5, 0, 0, 0]],
    ],
  );

const running = c.IFF_UP | c.IFF_RUNNING | c.IFF_LOWER_UP;
/** Interface 5; `flags`: IFF_…, three bytes of them. */
const link = (flags: number): DataView =>
  message(
    [0, 0, 1, 0, 5, 0, 0, 0, flags & 255, (flags >> 8) & 255, flags >> 16, 0, 0, 0, 0, 0],
    [[c.IFLA_IFNAME, [112, 53, 0, 0]]],
  );

/** 192.0.2.1 on interface 5. */
const nexthop = (id: number): DataView =>
  message(
    [c.AF_INET, 0, 0, 0, 0, 0, 0, 0],
    [
      [c.NHA_ID, [id, 0, 0, 0]],
      [c.NHA_OIF, [5, 0, 0, 0]],
      [c.NHA_GATEWAY, [192, 0, 2, 1]],
    ],
  );

const byObject = (b: number, id: number): DataView =>
  message(
    [c.AF_INET, 24, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0],
    [
      [c.RTA_DST, [10, 0, b, 0]],
      [c.RTA_NH_ID, [id, 0, 0, 0]],
    ],
  );

function setUp() {
  const sides = newSides();
  const doubts: string[] = [];
  const changes = new Changes({
    sides,
    surroundings: new Surroundings(() => 1500),
    onRules: () => {},
    onDoubt: (cause) => doubts.push(cause),
  });
  const take = (type: number, view: DataView): void => changes.take(view, type, 0, 0, view.byteLength);
  const routes = (): number => sides[0].rib.statistics.routes;
  return { changes, take, routes, doubts };
}

describe('Changes', () => {
  test('carries on with a link that took many routes down, and applies what came meanwhile after it', () => {
    const { changes, take, routes } = setUp();
    take(c.RTM_NEWLINK, link(running));
    for (let i = 0; i < 3000; i++) take(c.RTM_NEWROUTE, route(i >> 8, i & 255));
    expect([routes(), changes.isPending()]).toEqual([3000, false]);
    take(c.RTM_NEWLINK, link(0));
    expect(changes.isPending()).toBe(true);
    expect(routes()).toBeGreaterThan(2000);
    // The kernel has it again: it must not go with the others.
    take(c.RTM_NEWLINK, link(running));
    take(c.RTM_NEWROUTE, route(1, 1));
    changes.proceed(Number.POSITIVE_INFINITY);
    expect([routes(), changes.isPending()]).toEqual([1, false]);
  });

  test('loses nexthop objects and routes by them, and no others, when carrier is lost', () => {
    const { take, routes, doubts } = setUp();
    take(c.RTM_NEWLINK, link(running));
    take(c.RTM_NEWNEXTHOP, nexthop(1));
    take(c.RTM_NEWROUTE, byObject(1, 1));
    take(c.RTM_NEWROUTE, route(0, 2));
    take(c.RTM_NEWLINK, link(c.IFF_UP));
    expect([routes(), doubts]).toEqual([1, []]);
    // It has come back, and the object has not; the route to it is one that another message brought.
    take(c.RTM_NEWLINK, link(running));
    take(c.RTM_NEWROUTE, byObject(1, 1));
    take(c.RTM_NEWLINK, link(c.IFF_UP));
    expect(routes()).toBe(2);
  });

  test('has everything read again when carrier was back before the message was written', () => {
    const { take, routes, doubts } = setUp();
    take(c.RTM_NEWLINK, link(running));
    take(c.RTM_NEWLINK, link(c.IFF_UP | c.IFF_LOWER_UP));
    expect(doubts).toEqual([]);
    take(c.RTM_NEWLINK, link(running));
    take(c.RTM_NEWNEXTHOP, nexthop(1));
    take(c.RTM_NEWROUTE, byObject(1, 1));
    take(c.RTM_NEWLINK, link(c.IFF_UP | c.IFF_LOWER_UP));
    take(c.RTM_NEWLINK, link(c.IFF_UP | c.IFF_LOWER_UP));
    expect([routes(), doubts]).toEqual([1, ['carrier']]);
  });

  test('ends its slice when the time is over', () => {
    const { changes, take, routes } = setUp();
    take(c.RTM_NEWLINK, link(running));
    for (let i = 0; i < 60_000; i++) take(c.RTM_NEWROUTE, route(i >> 8, i & 255));
    take(c.RTM_NEWLINK, link(0));
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now++);
    changes.proceed(2);
    expect(routes()).toBeGreaterThan(30_000);
    expect(changes.isPending()).toBe(true);
    changes.proceed(Number.POSITIVE_INFINITY);
    expect(routes()).toBe(0);
  });

  test('holds messages, and applies those before a mark', () => {
    const { changes, take, routes } = setUp();
    changes.hold();
    take(c.RTM_NEWROUTE, route(0, 1));
    const { mark } = changes;
    take(c.RTM_NEWROUTE, route(0, 2));
    changes.proceed(Number.POSITIVE_INFINITY, mark);
    expect([routes(), changes.isPending(mark), changes.isPending()]).toEqual([1, false, true]);
    changes.release();
    // Not before the one that waits.
    take(c.RTM_DELROUTE, route(0, 2));
    changes.proceed(Number.POSITIVE_INFINITY);
    expect([routes(), changes.isPending()]).toEqual([1, false]);
  });
});

describe('EventLog', () => {
  test('gives back every message as it was, in order, a part at a time', () => {
    const log = new EventLog();
    const sizes = Array.from({ length: 3000 }, (_, i) => i % 97);
    for (const [i, size] of sizes.entries()) {
      const view = new DataView(new ArrayBuffer(size + 8));
      for (let at = 4; at < size + 4; at++) view.setUint8(at, i & 255);
      log.push(view, i, i & 7, 4, 4 + size);
    }
    const seen: number[] = [];
    const apply = (view: DataView, type: number, flags: number, start: number, end: number): void => {
      expect([flags, end - start]).toEqual([type & 7, sizes[type]]);
      for (let at = start; at < end; at++) expect(view.getUint8(at)).toBe(type & 255);
      seen.push(type);
    };
    let budget = 100;
    log.replay(apply, Number.POSITIVE_INFINITY, () => budget-- > 0);
    expect(seen.length).toBe(100);
    log.replay(apply, 200, () => true);
    expect(seen.length).toBe(200);
    log.replay(apply, Number.POSITIVE_INFINITY, () => true);
    expect(seen).toEqual(sizes.map((_, i) => i));
    expect(log.isDone(log.pushed)).toBe(true);
  });
});
