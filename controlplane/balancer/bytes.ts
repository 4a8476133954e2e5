/** Addresses and ports as the packet path's records have them. */
import { parseIp, parsePrefix } from '../netlink/ip-address.ts';

/** 16 bytes, IPv4 as ::ffff:a.b.c.d. @throws RangeError for what is no address. */
export function mappedAddress(text: string): Uint8Array {
  const address = parseIp(text);
  if (!address) throw new RangeError(`read address "${text}": it is not one`);
  return mapped(address.bytes);
}

/** 4 or 16 bytes to 16. */
export function mapped(bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(16);
  if (bytes.length === 4) {
    all[10] = all[11] = 0xff;
    all.set(bytes, 12);
  } else all.set(bytes);
  return all;
}

/** A prefix with its length among the 128 bits. @throws RangeError for what is no prefix. */
export function mappedPrefix(text: string): {
  readonly address: Uint8Array;
  readonly length: number;
  readonly host: boolean;
} {
  const prefix = parsePrefix(text);
  if (!prefix) throw new RangeError(`read prefix "${text}": it is not one`);
  const length = prefix.family === 4 ? 96 + prefix.prefixLength : prefix.prefixLength;
  return { address: mapped(prefix.bytes), length, host: length === 128 };
}

/** Words of an address as they lie in memory. */
export function words(address: Uint8Array): number[] {
  const view = new DataView(address.buffer, address.byteOffset, 16);
  return [0, 4, 8, 12].map((at) => view.getUint32(at, true));
}

/** The address whose words these are. */
export function bytesOf(words: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  words.forEach((word, i) => {
    view.setUint32(i * 4, word, true);
  });
  return new Uint8Array(view.buffer);
}

/** A port in network byte order, as a number of this host. */
export function networkPort(port: number): number {
  return ((port & 0xff) << 8) | (port >> 8);
}
