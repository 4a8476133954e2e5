import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AddMode,
  finish,
  localTable,
  mainTable,
  Rib,
  type RouteDescription,
} from '../../../../../controlplane/routing/rib/index.ts';
import { leg, route, setUp } from './set-up.ts';

describe('Rib', () => {
  test('keeps a prefix in the order of priority, with prepended before and appended behind equals', () => {
    const rib = new Rib(1);
    const via = (host: number, priority = 10) =>
      route('10.0.0.0/8', { priority, hop: { legs: [leg(2, host)], plain: true } });
    rib.add(via(1), 'create');
    rib.add(via(2), 'append');
    rib.add(via(3), 'create');
    rib.add(via(4, 5), 'create');
    rib.add(via(2), 'append');
    const order = () =>
      [...rib.routesAt(mainTable, Uint32Array.of(0x0a000000), 8)].map(({ hop }) => hop.legs[0]!.gateway![3]);
    expect(order()).toEqual([4, 3, 1, 2]);
    rib.add(via(9), 'replace');
    expect(order()).toEqual([4, 9, 1, 2]);
    expect(rib.delete(via(1))).toBe(true);
    expect(rib.delete(via(1))).toBe(false);
    expect(order()).toEqual([4, 9, 2]);
    expect(rib.statistics).toMatchObject({ routes: 3, hops: 3, tables: 1, strayDeletions: 1 });
  });

  test('grows an IPv6 multipath route by the whole and shrinks it by a leg', () => {
    const rib = new Rib(4);
    const with_ = (...hosts: number[]) =>
      route('32.1.0.0/16', { hop: { legs: hosts.map((host) => leg(2, host, 16)), plain: true } });
    const legs = () =>
      [...rib.routesAt(mainTable, Uint32Array.of(0x20010000, 0, 0, 0), 16)].map(({ hop }) =>
        hop.legs.map((l) => l.gateway![3]),
      );
    rib.add(with_(1), 'create');
    rib.add(with_(1, 2), 'append');
    rib.add(with_(1, 2, 3), 'append');
    expect(legs()).toEqual([[1, 2, 3]]);
    expect(rib.delete(with_(2))).toBe(true);
    expect(legs()).toEqual([[1, 3]]);
    expect(rib.delete(with_(1, 3))).toBe(true);
    expect(rib.statistics).toMatchObject({ routes: 0, hops: 0 });
  });

  test('loses what IPv4 loses without a message when a link goes down or a nexthop object is deleted', () => {
    const { rib, writer, answer } = setUp();
    finish(rib.nexthopDefined(7, { legs: [leg(3, 7)], members: [], plain: true }));
    rib.add(route('10.0.0.0/8'), 'create');
    rib.add(route('20.0.0.0/8', { hop: { legs: [], nexthop: 7, plain: true } }), 'create');
    rib.add(route('20.1.0.0/16', { hop: { legs: [leg(4, 4)], plain: true } }), 'create');
    writer.write(100);
    expect([answer(0x0a000001), answer(0x14000001), answer(0x14010001)]).toEqual(['2.1', '3.7', '4.4']);
    finish(rib.linkDown(2));
    expect(answer(0x0a000001)).toBe('ask'); // at once, before any prefix is written
    finish(rib.linkDown(4));
    finish(rib.nexthopDefined(7, { legs: [leg(3, 8)], members: [], plain: true }));
    writer.write(100);
    expect([answer(0x0a000001), answer(0x14000001), answer(0x14010001)]).toEqual(['ask', '3.8', '3.8']);
    finish(rib.nexthopDeleted(7));
    expect(answer(0x14000001)).toBe('ask');
    writer.write(100);
    expect(rib.statistics).toMatchObject({ routes: 0, hops: 0, tables: 0 });
    expect(writer.records).toBe(0);
  });

  test('keeps routes from different sources apart, and asks for every prefix that has one', () => {
    const { rib, writer, answer } = setUp(4);
    const plain = route('32.1.0.0/16', { priority: 100, hop: { legs: [leg(2, 1, 16)], plain: true } });
    const from = (source: string) =>
      route('32.1.0.0/16', { priority: 1024, hop: { legs: [leg(3, 2, 16)], plain: false, from: source } });
    rib.add(plain, 'create');
    rib.add(from('aa/8'), 'create');
    rib.add(from('bb/8'), 'create');
    expect([rib.statistics.routes, [...rib.hops.sources]]).toEqual([3, ['aa/8', 'bb/8']]);
    rib.add({ ...from('bb/8'), priority: 100 }, 'replace'); // does not take the plain one's place
    expect(rib.delete(from('aa/8'))).toBe(true);
    expect(rib.delete(from('cc/8'))).toBe(false);
    writer.write(10);
    expect([rib.statistics.routes, answer(0x20010000)]).toEqual([3, 'ask']);
    rib.delete(from('bb/8'));
    rib.delete({ ...from('bb/8'), priority: 100 });
    writer.write(10);
    expect([answer(0x20010000), rib.hops.sources]).toEqual(['2.1', []]);
  });

  test('asks for groups, and answers when one member is left', () => {
    const { rib, writer, answer } = setUp();
    finish(rib.nexthopDefined(1, { legs: [leg(3, 1)], members: [], plain: true }));
    finish(rib.nexthopDefined(2, { legs: [leg(4, 2)], members: [], plain: true }));
    finish(rib.nexthopDefined(9, { legs: [], members: [1, 2], plain: true }));
    rib.add(route('10.0.0.0/8', { hop: { legs: [], nexthop: 9, plain: true } }), 'create');
    writer.write(10);
    expect(answer(0x0a000001)).toBe('ask');
    finish(rib.nexthopDeleted(1));
    writer.write(10);
    expect(answer(0x0a000001)).toBe('4.2');
  });

  test('leaves to the kernel what a local route covers, and takes it back', () => {
    const { rib, writer, answer } = setUp();
    rib.add(route('10.0.0.0/8'), 'create');
    rib.add(route('10.1.2.0/24'), 'create');
    rib.add(
      route('10.1.0.0/16', {
        table: localTable,
        type: 2,
        hop: { legs: [{ ifindex: 1, gateway: undefined }], plain: true },
      }),
      'create',
    );
    writer.write(100);
    expect([answer(0x0a010203), answer(0x0a010001), answer(0x0a020001)]).toEqual(['ask', 'ask', '2.1']);
    expect(
      rib.delete(
        route('10.1.0.0/16', {
          table: localTable,
          type: 2,
          hop: { legs: [{ ifindex: 1, gateway: undefined }], plain: true },
        }),
      ),
    ).toBe(true);
    writer.write(100);
    expect([answer(0x0a010203), answer(0x0a010001)]).toEqual(['2.1', '2.1']);
  });

  test('follows a neighbor without touching a prefix', () => {
    const { rib, writer, unresolved, answer } = setUp();
    unresolved.add(2);
    rib.add(route('10.0.0.0/8'), 'create');
    writer.write(10);
    expect(answer(0x0a000001)).toBe('ask');
    unresolved.clear();
    writer.refresh(({ ifindex }) => ifindex === 2);
    expect(answer(0x0a000001)).toBe('2.1');
  });
});

describe('FibWriter', () => {
  interface Step {
    readonly what: 'delete' | 'down' | AddMode;
    readonly table: number;
    readonly octet: number;
    readonly length: number;
    readonly priority: number;
    readonly tos: number;
    readonly type: number;
    readonly ifindex: number;
    readonly ways: number;
    readonly from: string | undefined;
  }
  const step: fc.Arbitrary<Step> = fc.record({
    what: fc.constantFrom<Step['what'][]>(
      'create',
      'create',
      'create',
      'append',
      'replace',
      'delete',
      'delete',
      'down',
    ),
    table: fc.constantFrom(mainTable, mainTable, mainTable, localTable, 100),
    octet: fc.constantFrom(0, 1, 128, 129),
    length: fc.constantFrom(0, 8, 12, 16, 24, 32),
    priority: fc.constantFrom(0, 10),
    tos: fc.constantFrom(0, 0, 0, 0, 16),
    type: fc.constantFrom(1, 1, 1, 6),
    ifindex: fc.integer({ min: 2, max: 5 }),
    ways: fc.constantFrom(0, 1, 1, 1, 1, 2),
    from: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, undefined, 'aa/8', 'bb/8'),
  });

  test('gives every address what the routes say, or asks, after any sequence of messages', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: -1, max: 60 }), (steps, begin) => {
        const { rib, writer, answer } = setUp();
        // What comes before is read, and written in one go; what comes after is noted, also meanwhile.
        rib.noting = begin < 0;
        let built = begin < 0;
        let model: RouteDescription[] = [];
        for (const [index, s] of steps.entries()) {
          const legs =
            s.ways === 0
              ? [{ ifindex: s.ifindex, gateway: undefined }]
              : Array.from({ length: s.ways }, (_, i) => leg(s.ifindex, 1 + i));
          const change = route(`10.${s.octet}.${s.octet}.${s.octet}/${s.length}`, {
            ...s,
            hop: { legs, plain: s.from === undefined, ...(s.from === undefined ? {} : { from: s.from }) },
          });
          change.address[0] = s.length === 0 ? 0 : (change.address[0]! & (0xffffffff << (32 - s.length))) >>> 0;
          const equal = (r: RouteDescription) => keyOf(r) === keyOf(change);
          const same = (r: RouteDescription) => equal(r) && r.type === change.type && hopOf(r) === hopOf(change);
          if (s.what === 'down') {
            finish(rib.linkDown(s.ifindex));
            finish(rib.linkUp(s.ifindex));
            model = model.filter((r) => r.hop.legs.some(({ ifindex }) => ifindex !== s.ifindex));
          } else if (s.what === 'delete') {
            const equals = model.filter(equal);
            const gone =
              equals.find(same) ?? (equals.length === 1 && equals[0]!.type === change.type ? equals[0] : undefined);
            expect(rib.delete(change)).toBe(gone !== undefined);
            model = model.filter((r) => r !== gone);
          } else {
            rib.add(change, s.what);
            const first = model.find(equal);
            if (s.what === 'replace' && first)
              model = model.map((r) => (r === first ? change : r)).filter((r) => r === change || !same(r));
            else if (!model.some(same)) model = s.what === 'create' ? [change, ...model] : [...model, change];
          }
          if (index === begin) rib.noting = true;
          if (built) {
            if (index % 3 === 0) writer.write(2);
          } else if (index >= begin) built = !writer.writeAll(2);
        }
        rib.noting = true;
        while (!built) built = !writer.writeAll(2);
        expect(writer.write(10_000)).toBe(0);
        expect(rib.statistics.routes).toBe(model.length);
        for (const a of [0, 1, 127, 128, 129, 140])
          for (const b of [0, 1, 128, 129]) {
            const address = (0x0a000000 | (a << 16) | (b << 8) | b) >>> 0;
            expect(answer(address)).toBe(expected(model, address));
          }
        for (const known of model) rib.delete(known);
        writer.write(10_000);
        expect(rib.statistics).toMatchObject({ routes: 0, hops: 0, tables: 0 });
        expect(writer.records).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  function hopOf(r: RouteDescription): string {
    return r.hop.legs.map(({ ifindex, gateway }) => `${ifindex}.${gateway?.join('.')}`).join();
  }

  function keyOf(r: RouteDescription): string {
    return [r.table, r.address[0], r.length, r.tos, r.priority, r.hop.from].join();
  }

  function expected(model: readonly RouteDescription[], address: number): string {
    const matching = (table: number) =>
      model.filter((r) => r.table === table && (r.length === 0 || (address ^ r.address[0]!) >>> (32 - r.length) === 0));
    if (matching(localTable).length > 0) return 'ask';
    const main = matching(mainTable);
    const longest = main.filter(({ length }) => length === Math.max(...main.map((r) => r.length)));
    const lowest = longest.filter(({ priority }) => priority === Math.min(...longest.map((r) => r.priority)));
    const [only] = lowest;
    if (!only || lowest.length > 1 || longest.some(({ tos, hop }) => tos !== 0 || hop.from)) return 'ask';
    const [way, ...others] = only.hop.legs;
    if (only.type !== 1 || others.length > 0 || !way?.gateway) return 'ask';
    return `${way.ifindex}.${way.gateway[3]}`;
  }
});
