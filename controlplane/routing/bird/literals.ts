/**
 * The literals whose shapes overlap: `10:20` is a route distinguisher, `1:2:3::` an IPv6 address, `01:02:…` of sixteen
 * parts a byte string, `dead` a symbol and `dead::` an address. BIRD's lexer takes the longest match, and the earlier
 * rule among equals; so does this.
 *
 * Scanned by hand: regular expressions with repeated groups keep a stack, which a line of a few million `a:` overflows.
 * Each rule looks at a character a bounded number of times, so a text costs time by its length.
 */
import type { TokenKind } from './token.ts';

/** A rule: where the match that begins at `at` ends, or -1. */
type Scan = (text: string, at: number) => number;

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isHex = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 97 && code <= 102) || (code >= 65 && code <= 70);
const isLetter = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95;
const colon = 58;
const dot = 46;

function digits(text: string, at: number): number {
  let end = at;
  while (isDigit(text.charCodeAt(end))) end++;
  return end > at ? end : -1;
}

function hexes(text: string, at: number): number {
  let end = at;
  while (isHex(text.charCodeAt(end))) end++;
  return end;
}

function dotted(text: string, at: number): number {
  let end = digits(text, at);
  for (let part = 1; part < 4 && end >= 0; part++) {
    end = text.charCodeAt(end) === dot ? digits(text, end + 1) : -1;
  }
  return end;
}

/** A number behind a colon. */
const colonNumber: Scan = (text, at) => (at >= 0 && text.charCodeAt(at) === colon ? digits(text, at + 1) : -1);

/** `:XX` again and again, from `at`; the end of the last whole one. */
function colonPairs(text: string, at: number, most = Number.POSITIVE_INFINITY): { end: number; count: number } {
  let end = at;
  let count = 0;
  while (
    count < most &&
    text.charCodeAt(end) === colon &&
    isHex(text.charCodeAt(end + 1)) &&
    isHex(text.charCodeAt(end + 2))
  ) {
    end += 3;
    count++;
  }
  return { end, count };
}

const isPair = (text: string, at: number): boolean => isHex(text.charCodeAt(at)) && isHex(text.charCodeAt(at + 1));

/** Ten bytes or more, with colons between them or without. */
const bytes: Scan = (text, at) => {
  if (!isPair(text, at)) return -1;
  const { end, count } = colonPairs(text, at + 2);
  if (count >= 9) return end;
  const run = hexes(text, at) - at;
  return run >= 20 ? at + run - (run % 2) : -1;
};

/** `hex:` and any number of bytes. */
const prefixedBytes: Scan = (text, at) => {
  if (!text.startsWith('hex:', at)) return -1;
  const start = at + 4;
  const run = hexes(text, start) - start;
  const plain = start + run - (run % 2);
  if (!isPair(text, start)) return plain;
  const { end, count } = colonPairs(text, start + 2);
  return count > 0 ? end : plain;
};

const mac: Scan = (text, at) => {
  if (!isPair(text, at)) return -1;
  const { end, count } = colonPairs(text, at + 2, 5);
  return count === 5 ? end : -1;
};

/** Groups and colons, of which three, or two that follow on each other; the tail may be dotted. */
const ip6: Scan = (text, at) => {
  let end = at;
  let colons = 0;
  for (;;) {
    const group = hexes(text, end);
    if (text.charCodeAt(group) !== colon) break;
    colons++;
    end = group + 1;
  }
  if (colons < 3 && !(colons === 2 && text.charCodeAt(end - 2) === colon)) return -1;
  const tail = dotted(text, end);
  return tail >= 0 ? tail : hexes(text, end);
};

const hexadecimal: Scan = (text, at) => {
  if (text.charCodeAt(at) !== 48 || text.charCodeAt(at + 1) !== 120) return -1;
  const end = hexes(text, at + 2);
  return end > at + 2 ? end : -1;
};

const symbol: Scan = (text, at) => {
  if (!isLetter(text.charCodeAt(at))) return -1;
  let end = at + 1;
  while (isLetter(text.charCodeAt(end)) || isDigit(text.charCodeAt(end))) end++;
  return end;
};

/** In the order that decides among matches of equal length. */
const shapes: readonly (readonly [TokenKind, Scan])[] = [
  ['rd', (text, at) => colonNumber(text, digits(text, at))],
  [
    'rd',
    (text, at) => {
      const code = text.charCodeAt(at);
      return code === 48 || code === 50 ? colonNumber(text, colonNumber(text, at + 1)) : -1;
    },
  ],
  ['rd', (text, at) => colonNumber(text, dotted(text, at))],
  ['ip4', dotted],
  ['bytes', bytes],
  ['bytes', prefixedBytes],
  ['mac', mac],
  ['ip6', ip6],
  ['number', hexadecimal],
  ['number', digits],
  ['symbol', symbol],
];

/** The literal at an offset; undefined when none begins there. */
export function matchLiteral(text: string, at: number): { kind: TokenKind; end: number } | undefined {
  // The most frequent one, when nothing behind it can make it anything else.
  const address = dotted(text, at);
  if (address >= 0) {
    const next = text.charCodeAt(address);
    if (next !== colon && next !== dot && !isLetter(next)) return { kind: 'ip4', end: address };
  }
  let best: { kind: TokenKind; end: number } | undefined;
  for (const [kind, scan] of shapes) {
    const end = scan(text, at);
    if (end > (best?.end ?? at)) best = { kind, end };
  }
  return best;
}

/** Leading zeros may make an address long, but nobody writes one of this length. */
const maxAddress = 1000;

/** Whether dotted digits are an address; BIRD lets leading zeros pass, so this does. */
export function isIp4(text: string): boolean {
  if (text.length > maxAddress) return false;
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d+$/.test(part) && Number(part) <= 255);
}

/** Whether text of the lexer's IPv6 shape is an address. */
export function isIp6(text: string): boolean {
  if (text.length > maxAddress) return false;
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
