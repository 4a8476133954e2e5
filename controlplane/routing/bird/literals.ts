/**
 * The literals whose shapes overlap: `10:20` is a route distinguisher, `1:2:3::` an IPv6 address, `01:02:…` of sixteen
 * parts a byte string, `dead` a symbol and `dead::` an address. BIRD's lexer takes the longest match, and the earlier
 * rule among equals; so does this.
 */
import type { TokenKind } from './token.ts';

/** In the order that decides among matches of equal length. */
const shapes: readonly (readonly [TokenKind, RegExp])[] = [
  ['rd', /\d+:\d+/y],
  ['rd', /[02]:\d+:\d+/y],
  ['rd', /\d+\.\d+\.\d+\.\d+:\d+/y],
  ['ip4', /\d+\.\d+\.\d+\.\d+/y],
  ['bytes', /[\da-fA-F]{2}(?:(?::[\da-fA-F]{2}){9,}|(?:[\da-fA-F]{2}){9,})/y],
  ['bytes', /hex:(?:[\da-fA-F]{2}(?::[\da-fA-F]{2})+|(?:[\da-fA-F]{2})*)/y],
  ['mac', /(?:[\da-fA-F]{2}:){5}[\da-fA-F]{2}/y],
  ['ip6', /(?:(?:[\da-fA-F]*:){3,}|[\da-fA-F]*::)(?:\d+\.\d+\.\d+\.\d+|[\da-fA-F]*)/y],
  ['number', /0x[\da-fA-F]+/y],
  ['number', /\d+/y],
  ['symbol', /[a-zA-Z_]\w*/y],
];

/** The most frequent one, when nothing behind it can make it anything else. */
const plainIp4 = /\d+\.\d+\.\d+\.\d+(?![\w.:])/y;

/** The literal at an offset; undefined when none begins there. */
export function matchLiteral(text: string, at: number): { kind: TokenKind; end: number } | undefined {
  plainIp4.lastIndex = at;
  if (plainIp4.test(text)) return { kind: 'ip4', end: plainIp4.lastIndex };
  let best: { kind: TokenKind; end: number } | undefined;
  for (const [kind, shape] of shapes) {
    shape.lastIndex = at;
    if (shape.test(text) && shape.lastIndex > (best?.end ?? at)) best = { kind, end: shape.lastIndex };
  }
  return best;
}

/** Whether dotted digits are an address; BIRD lets leading zeros pass, so this does. */
export function isIp4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d+$/.test(part) && Number(part) <= 255);
}

/** Whether text of the lexer's IPv6 shape is an address. */
export function isIp6(text: string): boolean {
  let rest = text;
  let groups = 0;
  const dotted = /(?:^|:)(\d+\.\d+\.\d+\.\d+)$/.exec(rest)?.[1];
  if (dotted !== undefined) {
    if (!isIp4(dotted)) return false;
    rest = rest.slice(0, -dotted.length);
    groups = 2;
  }
  const compressed = rest.split('::').length - 1;
  if (compressed > 1 || rest.includes(':::')) return false;
  for (const group of rest.split(':')) {
    if (group === '') continue;
    // Leading zeros beyond four digits pass: the value decides.
    if (Number.parseInt(group, 16) > 0xffff) return false;
    groups++;
  }
  if (rest.startsWith(':') && !rest.startsWith('::')) return false;
  return compressed ? groups <= 8 : groups === 8;
}

/** Why a route distinguisher is out of range, or undefined. */
export function checkDistinguisher(text: string): string | undefined {
  const parts = text.split(':');
  const value = Number(parts.at(-1));
  const administrator = parts.at(-2) ?? '';
  if (administrator.includes('.')) {
    if (!isIp4(administrator)) return `invalid IPv4 address ${administrator} in a route distinguisher`;
    return value > 0xffff ? 'number out of range in a route distinguisher' : undefined;
  }
  const as = Number(administrator);
  const wide = parts.length === 3 ? parts[0] === '2' : as > 0xffff;
  if (as > (wide ? 0xffffffff : 0xffff)) return 'AS number out of range in a route distinguisher';
  return value > (wide ? 0xffff : 0xffffffff) ? 'number out of range in a route distinguisher' : undefined;
}
