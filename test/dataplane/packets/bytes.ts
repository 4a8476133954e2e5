/** Addresses, numbers and checksums as the bytes that stand in a packet, independent of the code under test. */

/** Bytes of a number, network byte order. */
export function u16(value: number): number[] {
  return [(value >> 8) & 0xff, value & 0xff];
}

export function u32(value: number): number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

/** "02:00:00:00:01:01" */
export function mac(text: string): number[] {
  return text.split(':').map((byte) => Number.parseInt(byte, 16));
}

/** An address of either family, by its text; IPv4-mapped addresses in hexadecimal. */
export function address(text: string): number[] {
  if (!text.includes(':')) return text.split('.').map(Number);
  const [head = '', tail] = text.split('::');
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((g) => Number.parseInt(g, 16)));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array<number>(8 - before.length - after.length).fill(0);
  return [...before, ...zeros, ...after].flatMap(u16);
}

/** Ones' complement sum (RFC 1071), folded to 16 bits, not inverted. */
export function sum(bytes: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) total += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return total;
}

export function checksum(bytes: readonly number[]): number {
  return ~sum(bytes) & 0xffff;
}

/** `length` bytes of which each says where it stands, so that a shifted or cut payload shows. */
export function filler(length: number): number[] {
  return Array.from({ length }, (_, i) => (i * 7 + 1) & 0xff);
}
