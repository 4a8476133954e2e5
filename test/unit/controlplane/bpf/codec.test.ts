import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes, type Codec, list, struct, text, u8, u16, u32, u64 } from '../../../../controlplane/bpf/codec.ts';
import { counterCodec, maps, portCodec, slotCodec } from '../../../../controlplane/bpf/generated/headrace.ts';

function roundTrip<T>(codec: Codec<T>, value: T, offset: number): T {
  const view = new DataView(new ArrayBuffer(offset + codec.size + 3).slice(0));
  codec.write(view, offset, value);
  return codec.read(view, offset);
}

const offset = fc.nat(17);
const sized = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const u = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
const u64s = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

describe('codecs read what they wrote', () => {
  const cases: [string, Codec<unknown>, fc.Arbitrary<unknown>][] = [
    ['u8', u8 as Codec<unknown>, u(8)],
    ['u16', u16 as Codec<unknown>, u(16)],
    ['u32', u32 as Codec<unknown>, u(32)],
    ['u64', u64 as Codec<unknown>, u64s],
    ['bytes', bytes(6) as Codec<unknown>, sized(6)],
    ['text', text(16) as Codec<unknown>, fc.stringMatching(/^[a-zä.0-9]{0,8}$/)],
    ['list', list(3, u16) as Codec<unknown>, fc.array(u(16), { minLength: 3, maxLength: 3 })],
    [
      'port',
      portCodec as Codec<unknown>,
      fc.record({ flags: u(32), mtu: u(32), slot: u(16), mac: sized(6), interface: u(32) }),
    ],
    ['counter', counterCodec as Codec<unknown>, fc.record({ packets: u64s, bytes: u64s })],
    ['slot', slotCodec as Codec<unknown>, fc.record({ name: fc.stringMatching(/^[a-z0-9]{0,16}$/) })],
  ];
  it.each(cases)('%s', (_, codec, values) => {
    fc.assert(
      fc.property(values, offset, (value, at) => {
        expect(roundTrip(codec, value, at)).toEqual(value);
      }),
    );
  });

  it('write() touches nothing outside the value', () => {
    fc.assert(
      fc.property(sized(40), offset, (memory, at) => {
        const before = Uint8Array.from(memory);
        portCodec.write(new DataView(memory.buffer, memory.byteOffset, memory.length), at, {
          flags: 1,
          mtu: 1500,
          slot: 2,
          mac: new Uint8Array(6),
          interface: 7,
        });
        expect(memory.subarray(0, at)).toEqual(before.subarray(0, at));
        expect(memory.subarray(at + portCodec.size)).toEqual(before.subarray(at + portCodec.size));
      }),
    );
  });
});

describe('codecs', () => {
  const view = () => new DataView(new ArrayBuffer(32));

  it('write padding as zero', () => {
    const memory = new Uint8Array(8).fill(0xff);
    const codec = struct<{ a: number; b: number }>(8, { a: [0, u8], b: [4, u32] });
    codec.write(new DataView(memory.buffer), 0, { a: 1, b: 2 });
    expect([...memory]).toEqual([1, 0, 0, 0, 2, 0, 0, 0]);
  });

  it('refuse what does not fit', () => {
    expect(() => bytes(6).write(view(), 0, new Uint8Array(5))).toThrow(RangeError);
    expect(() => text(4).write(view(), 0, 'abcde')).toThrow(RangeError);
    expect(() => list(2, u8).write(view(), 0, [1])).toThrow(RangeError);
  });

  it('read a text that fills its array, which has no NUL', () => {
    expect(roundTrip(text(4), 'abcd', 1)).toBe('abcd');
  });
});

describe('generated descriptors', () => {
  it('have the counters laid out as their index says', () => {
    expect(maps.counters.value.size).toBe((256 * 8 * 64 + 64 * 64 * 8 + 64 * 8) * 16 + 8);
  });
});
