/** Failure mode 37 and robustness: frames of several buffers, and bytes that are no packets at all. */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { portFlag } from '../../controlplane/bpf/generated/headrace.ts';
import { type PacketSpec, packet } from './packets/packet.ts';
import { tcp, udp } from './packets/transport.ts';
import { TestRouter } from './router.ts';
import { expectRow } from './table.ts';

let router: TestRouter;
beforeAll(() => {
  router = new TestRouter();
});
afterEach(() => router?.reset());
afterAll(() => router?.close());

const out = { out: 'out0' } as const;
const six = '2001:db8:100::7';

describe('frames of several buffers', () => {
  for (const length of [3000, 3600, 4096, 8000, 8900])
    it(`${length} bytes of payload are forwarded and counted whole`, () => {
      expectRow(router, { payload: udp({ length }) }, out);
      expectRow(router, { destination: six, payload: tcp({ length }) }, out);
    });

  it('are too long for a small egress', () => {
    expectRow(router, { destination: '203.0.113.7', payload: udp({ length: 8000 }) }, 'frag_needed');
  });

  it('lose padding from the last buffer', () => {
    expectRow(router, { payload: udp({ length: 5000 }), trailer: 33 }, out);
  });

  it('lose padding that fills more than a buffer', () => {
    expectRow(router, { trailer: 8000 }, out);
  });

  it('show an unfinished checksum too', () => {
    router.setFlags('in0', portFlag.VIRTUAL);
    expectRow(router, { payload: tcp({ length: 8000, checksum: 'unfinished' }) }, 'unfinished_checksum');
  });
});

describe('any bytes', () => {
  const verdicts = ['pass', 'tx', 'redirect'];

  function never(frame: Uint8Array): void {
    const result = router.run(frame);
    expect(verdicts).toContain(result.verdict);
    if (result.verdict === 'pass') expect(Buffer.compare(result.frame, frame)).toBe(0);
    else expect(result.frame.length).toBeLessThanOrEqual(frame.length);
  }

  it('are never dropped, and never changed when they go to the kernel', () => {
    router.setFlags('in0', portFlag.VIRTUAL);
    fc.assert(fc.property(fc.uint8Array({ minLength: 15, maxLength: 200 }), never), { numRuns: 1000 });
  });

  it('are never dropped or changed behind the right MAC address and type either', () => {
    router.setFlags('in0', portFlag.VIRTUAL | portFlag.RP_STRICT);
    const type = fc.constantFrom(0x0800, 0x86dd, 0x8100);
    fc.assert(
      fc.property(type, fc.uint8Array({ minLength: 1, maxLength: 160 }), (etherType, rest) =>
        never(Uint8Array.from([...packet({ etherType }).slice(0, 14), ...rest])),
      ),
      { numRuns: 1000 },
    );
  });

  it('are never dropped or changed when a good packet is damaged', () => {
    router.setFlags('in0', portFlag.VIRTUAL);
    const good: PacketSpec[] = [{}, { payload: tcp() }, { destination: six }, { destination: six, payload: tcp() }];
    fc.assert(
      fc.property(
        fc.constantFrom(...good),
        fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 20, max: 120 }),
        (spec, changes, length) => {
          const frame = packet(spec).slice(0, length);
          for (const [at, value] of changes) if (at < frame.length) frame[at] = value;
          never(frame);
        },
      ),
      { numRuns: 1500 },
    );
  });
});
