/**
 * IP addresses and prefixes as text and bytes (network byte order).
 *
 * Strict on purpose: `010.0.0.1`, `1.2.3`, `0x7f.1` and zones (`fe80::1%eth0`) are not addresses here, since in a
 * configuration each of them is a mistake that other parsers read as something else. Output is RFC 5952.
 */

export interface IpAddress {
  readonly family: 4 | 6;
  /** 4 or 16 bytes. */
  readonly bytes: Uint8Array;
}

export interface IpPrefix extends IpAddress {
  readonly prefixLength: number;
}

/** Parses an address without zone or prefix; undefined when it is not one. */
export function parseIp(text: string): IpAddress | undefined {
  if (text.includes(':')) {
    const bytes = parseIpv6(text);
    return bytes && { family: 6, bytes };
  }
  const bytes = new Uint8Array(4);
  return parseIpv4(text, bytes, 0) ? { family: 4, bytes } : undefined;
}

/** Parses `address/length`; undefined when it is not one. Host bits are kept: see {@link hasHostBits}. */
export function parsePrefix(text: string): IpPrefix | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseIp(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (!address || !/^(0|[1-9]\d{0,2})$/.test(digits)) return undefined;
  const prefixLength = Number(digits);
  return prefixLength <= address.bytes.length * 8 ? { ...address, prefixLength } : undefined;
}

function parseIpv4(text: string, into: Uint8Array, at: number): boolean {
  let part = 0;
  let value = -1;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 46;
    if (code === 46) {
      if (value < 0 || part > 3) return false;
      into[at + part++] = value;
      value = -1;
    } else {
      const digit = code - 48;
      if (digit < 0 || digit > 9 || value === 0) return false;
      value = value < 0 ? digit : value * 10 + digit;
      if (value > 255) return false;
    }
  }
  return part === 4;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const gap = text.indexOf('::');
  if (gap < 0) {
    const bytes = new Uint8Array(16);
    return parseGroups(text, bytes) === 16 ? bytes : undefined;
  }
  const head = new Uint8Array(16);
  const tail = new Uint8Array(16);
  const before = gap === 0 ? 0 : parseGroups(text.slice(0, gap), head, false);
  const after = gap + 2 === text.length ? 0 : parseGroups(text.slice(gap + 2), tail);
  // "::" stands for at least one group.
  if (before === undefined || after === undefined || before + after > 14) return undefined;
  head.set(tail.subarray(0, after), 16 - after);
  return head;
}

/** Colon-separated groups, the last of which may be a dotted quad; number of bytes, or undefined. */
function parseGroups(text: string, into: Uint8Array, mayEndDotted = true): number | undefined {
  const groups = text.split(':');
  let at = 0;
  for (const [index, group] of groups.entries()) {
    if (mayEndDotted && index === groups.length - 1 && group.includes('.')) {
      if (at > 12 || !parseIpv4(group, into, at)) return undefined;
      at += 4;
    } else {
      if (at > 14 || !/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      into[at++] = value >> 8;
      into[at++] = value & 0xff;
    }
  }
  return at;
}

/** Text of 4 or 16 bytes. Throws RangeError on another length. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) throw new RangeError(`format IP address: it has ${bytes.length} bytes`);
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[i * 2]! << 8) | bytes[i * 2 + 1]!);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join('.')}`;
  }
  const [start, length] = longestZeroRun(groups);
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** The first longest run of zero groups. */
function longestZeroRun(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  let length = 0;
  groups.forEach((group, i) => {
    length = group === 0 ? length + 1 : 0;
    if (length > best[1]) best = [i - length + 1, length];
  });
  return best;
}

/** `10.0.0.0/8`. */
export function formatPrefix(bytes: Uint8Array, prefixLength: number): string {
  return `${formatIp(bytes)}/${prefixLength}`;
}

/** A copy with all bits after `prefixLength` cleared. */
export function maskAddress(bytes: Uint8Array, prefixLength: number): Uint8Array {
  return bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefixLength - i * 8))));
}

/** Whether bits are set that the length does not cover (10.0.0.1/8). */
export function hasHostBits(prefix: IpPrefix): boolean {
  return maskAddress(prefix.bytes, prefix.prefixLength).some((byte, i) => byte !== prefix.bytes[i]);
}

/** Whether `address` lies in `prefix`; never across families. */
export function prefixContains(prefix: IpPrefix, address: Uint8Array): boolean {
  if (address.length !== prefix.bytes.length) return false;
  const masked = maskAddress(address, prefix.prefixLength);
  return maskAddress(prefix.bytes, prefix.prefixLength).every((byte, i) => byte === masked[i]);
}

/** `aa:bb:cc:dd:ee:ff`. */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** Six bytes, or undefined. */
export function parseMac(text: string): Uint8Array | undefined {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text)) return undefined;
  return Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16));
}
