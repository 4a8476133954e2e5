/** Routes by nexthop objects and groups, against a model of what the kernel does with them and tells nobody of. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { finish, mainTable, Rib, type Work } from '../../../../../controlplane/routing/rib/index.ts';
import { leg, route, setUp } from './set-up.ts';

const single = (ifindex: number, host: number, plain = true) => ({ legs: [leg(ifindex, host)], members: [], plain });
const group = (...members: number[]) => ({ legs: [], members, plain: true });
const by = (text: string, nexthop: number) => route(text, { hop: { legs: [], nexthop, plain: true } });

describe('nexthop objects', () => {
  test('an object on a lost link is gone from its groups, and they go with their last member', () => {
    const { rib, writer, answer } = setUp();
    finish(rib.nexthopDefined(1, single(3, 1)));
    finish(rib.nexthopDefined(2, single(4, 2)));
    finish(rib.nexthopDefined(9, group(1, 2)));
    rib.add(by('10.0.0.0/8', 9), 'create');
    rib.add(by('20.0.0.0/8', 1), 'create');
    finish(rib.carrierLost(3));
    writer.write(100);
    expect([answer(0x0a000001), answer(0x14000001), rib.statistics.routes]).toEqual(['4.2', 'ask', 1]);
    finish(rib.nexthopDeleted(2));
    expect([rib.statistics.routes, rib.hops.hasObject(9)]).toEqual([0, false]);
  });

  test('the last IPv4 address of an interface takes routes along, but none by an object', () => {
    const { rib } = setUp();
    finish(rib.nexthopDefined(1, single(3, 1)));
    rib.add(by('10.0.0.0/8', 1), 'create');
    rib.add(route('20.0.0.0/8', { hop: { legs: [leg(3, 1)], plain: true } }), 'create');
    finish(rib.addressesLost(3));
    expect([...rib.routesAt(mainTable, Uint32Array.of(0x0a000000), 8)].length).toBe(1);
    expect(rib.statistics.routes).toBe(1);
  });

  test('a late message of an IPv6 route that went with its link does not take an equal one', () => {
    const rib = new Rib(4);
    const via = (ifindex: number) => route('32.1.0.0/16', { hop: { legs: [leg(ifindex, 1, 16)], plain: true } });
    const direct = route('32.1.0.0/16', { hop: { legs: [{ ifindex: 3, gateway: undefined }], plain: true } });
    finish(rib.nexthopDefined(1, single(3, 1)));
    for (const gone of [by('32.1.0.0/16', 1), direct]) {
      rib.add(gone, 'create');
      rib.add(via(4), 'append');
      finish(rib.linkDown(3));
      expect(rib.delete(gone)).toBe(false);
      expect(rib.statistics.routes).toBe(1);
      expect(rib.delete(via(4))).toBe(true);
      finish(rib.linkUp(3));
    }
  });

  interface Step {
    readonly what: 'object' | 'group' | 'gone' | 'carrier' | 'down' | 'add' | 'delete';
    readonly id: number;
    readonly ifindex: number;
    readonly host: number;
    readonly plain: boolean;
    readonly members: readonly number[];
    readonly octet: number;
    readonly length: number;
    readonly direct: boolean;
  }
  const step: fc.Arbitrary<Step> = fc.record({
    what: fc.constantFrom<Step['what'][]>(
      'object',
      'object',
      'group',
      'gone',
      'carrier',
      'down',
      'add',
      'add',
      'delete',
    ),
    id: fc.integer({ min: 1, max: 3 }),
    ifindex: fc.integer({ min: 2, max: 3 }),
    host: fc.integer({ min: 1, max: 2 }),
    plain: fc.constantFrom(true, true, true, false),
    members: fc.uniqueArray(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }),
    octet: fc.constantFrom(0, 128),
    length: fc.constantFrom(8, 9, 16),
    direct: fc.constantFrom(true, false, false),
  });

  /** The kernel: objects, groups, and routes by one of them (`via`), or by a gateway of their own. */
  class Kernel {
    readonly singles = new Map<number, { ifindex: number; host: number; plain: boolean }>();
    readonly groups = new Map<number, number[]>();
    readonly routes = new Map<string, { via: number } | { ifindex: number; host: number }>();

    remove(id: number): void {
      this.singles.delete(id);
      this.groups.delete(id);
      for (const [prefix, way] of this.routes) if ('via' in way && way.via === id) this.routes.delete(prefix);
      for (const [number, members] of this.groups) {
        const left = members.filter((member) => member !== id);
        this.groups.set(number, left);
        if (left.length === 0) this.remove(number);
      }
    }

    /** The objects on an interface go; with `down`, routes too. */
    lose(ifindex: number, down: boolean): void {
      for (const [id, object] of [...this.singles]) if (object.ifindex === ifindex) this.remove(id);
      if (!down) return;
      for (const [prefix, way] of this.routes)
        if ('ifindex' in way && way.ifindex === ifindex) this.routes.delete(prefix);
    }

    answer(address: number): string {
      const matching = [...this.routes].filter(([prefix]) => {
        const [first, length] = prefix.split('/').map(Number);
        return (address ^ first!) >>> (32 - length!) === 0;
      });
      const longest = matching.sort(([a], [b]) => Number(b.split('/')[1]) - Number(a.split('/')[1]))[0]?.[1];
      if (!longest) return 'ask';
      if ('ifindex' in longest) return `${longest.ifindex}.${longest.host}`;
      const members = this.groups.get(longest.via) ?? [longest.via];
      const only = this.singles.get(members[0]!)!;
      return members.length > 1 || !only.plain ? 'ask' : `${only.ifindex}.${only.host}`;
    }
  }

  const groupId = 9;
  const addresses = [0x0a000001, 0x0a000101, 0x0a010001, 0x0a800001, 0x0a800101, 0x0aff0001];

  test('after each message no packet gets an old answer, and after the work each gets the new one', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { rib, writer, answer } = setUp();
        const kernel = new Kernel();
        const agrees = (orAsk: boolean): void => {
          for (const address of addresses) {
            const [ours, theirs] = [answer(address), kernel.answer(address)];
            if (!orAsk || ours !== 'ask') expect(ours).toBe(theirs);
          }
        };
        for (const s of steps) {
          const text = `10.${s.octet}.0.0/${s.length}`;
          const first = (0x0a000000 | (s.length === 8 ? 0 : s.octet << 16)) >>> 0;
          const prefix = `${first}/${s.length}`;
          let work: Work | undefined;
          if (s.what === 'object') {
            kernel.singles.set(s.id, s);
            work = rib.nexthopDefined(s.id, single(s.ifindex, s.host, s.plain));
          } else if (s.what === 'group') {
            const members = s.members.filter((id) => kernel.singles.has(id));
            if (members.length === 0) continue;
            kernel.groups.set(groupId, members);
            work = rib.nexthopDefined(groupId, group(...members));
          } else if (s.what === 'gone') {
            kernel.remove(s.direct ? groupId : s.id);
            work = rib.nexthopDeleted(s.direct ? groupId : s.id);
          } else if (s.what === 'carrier' || s.what === 'down') {
            kernel.lose(s.ifindex, s.what === 'down');
            work = s.what === 'down' ? rib.linkDown(s.ifindex) : rib.carrierLost(s.ifindex);
          } else {
            const id = kernel.groups.has(groupId) && s.host === 1 ? groupId : s.id;
            const way = s.direct ? { ifindex: s.ifindex, host: s.host } : { via: id };
            const told = route(text, {
              hop: s.direct ? { legs: [leg(s.ifindex, s.host)], plain: true } : { legs: [], nexthop: id, plain: true },
            });
            told.address[0] = first;
            if (!s.direct && !kernel.singles.has(id) && !kernel.groups.has(id)) continue;
            if (s.what === 'add') {
              kernel.routes.set(prefix, way);
              rib.add(told, 'replace');
            } else if (JSON.stringify(kernel.routes.get(prefix)) === JSON.stringify(way)) {
              kernel.routes.delete(prefix);
              expect(rib.delete(told)).toBe(true);
            }
          }
          if (work) {
            agrees(true);
            finish(work);
          }
          if (s.what === 'down') finish(rib.linkUp(s.ifindex));
          while (writer.write(2) > 0) if (work) agrees(true);
          agrees(false);
        }
        expect(rib.statistics.routes).toBe(kernel.routes.size);
      }),
      { numRuns: 300 },
    );
  });
});
