/**
 * Capture filters: the part of pcap-filter(7) that needs no program of its own, joined by `and`.
 *
 *     tcp and host 192.0.2.1 and port 443
 *     ip6 and src net 2001:db8::/32 and dst port 53
 *
 * What cannot be said here is said to Wireshark, on the file.
 */
import { isIP } from 'node:net';
import { type TapPrefix, tapCondition } from '../bpf/generated/headrace.ts';
import { parseIp } from '../netlink/index.ts';

/** The conditions of `struct tap_filter`. */
export interface FilterConditions {
  /** enum tap_condition */
  readonly conditions: number;
  readonly family: number;
  readonly protocol: number;
  /** Network byte order, as are addresses and masks. */
  readonly source_port: number;
  readonly destination_port: number;
  readonly source: TapPrefix;
  readonly destination: TapPrefix;
}

export class FilterError extends Error {
  readonly code = 'FILTER';

  constructor(text: string, at: number, reason: string) {
    super(
      `--filter: ${reason}\n  ${text}\n  ${' '.repeat(at)}^\nKnown: ip, ip6, tcp, udp, icmp, icmp6, sctp, proto N, ` +
        '[src|dst] host ADDRESS, [src|dst] net PREFIX, [src|dst] port N, joined by "and"',
    );
    this.name = 'FilterError';
  }
}

const protocols: Readonly<Record<string, number>> = {
  tcp: 6,
  udp: 17,
  icmp: 1,
  icmp6: 58,
  sctp: 132,
  esp: 50,
  gre: 47,
};
const families: Readonly<Record<string, number>> = { ip: 2, ip6: 10 };
const anything: TapPrefix = { address: [0, 0, 0, 0], mask: [0, 0, 0, 0] };

interface Word {
  readonly text: string;
  readonly at: number;
}

type Side = 'src' | 'dst' | undefined;

/** @throws FilterError that points at what is not understood. */
export function parseFilter(text: string): FilterConditions {
  const parser = new FilterParser(text);
  parser.parse();
  return parser.result;
}

class FilterParser {
  readonly #text: string;
  readonly #words: Word[];
  #next = 0;
  result: FilterConditions = {
    conditions: 0,
    family: 0,
    protocol: 0,
    source_port: 0,
    destination_port: 0,
    source: anything,
    destination: anything,
  };

  constructor(text: string) {
    this.#text = text;
    this.#words = [...text.matchAll(/\S+/g)].map((match) => ({ text: match[0], at: match.index }));
  }

  parse(): void {
    if (this.#words.length === 0) return;
    for (;;) {
      this.#primitive();
      const word = this.#words[this.#next];
      if (!word) return;
      if (word.text !== 'and' && word.text !== '&&')
        this.#fail(word, `"${word.text}" where "and" or the end was expected`);
      this.#next++;
    }
  }

  #fail(word: Word | undefined, reason: string): never {
    throw new FilterError(this.#text, word?.at ?? this.#text.length, reason);
  }

  #take(what: string): Word {
    const word = this.#words[this.#next];
    if (!word) this.#fail(undefined, `${what} is missing`);
    this.#next++;
    return word;
  }

  #set(word: Word, bit: number, values: Partial<FilterConditions>): void {
    const { conditions } = this.result;
    if (conditions & bit) this.#fail(word, `"${word.text}" says again what was said before`);
    this.result = { ...this.result, ...values, conditions: conditions | bit };
  }

  #primitive(): void {
    const word = this.#take('a condition');
    const side: Side = word.text === 'src' || word.text === 'dst' ? word.text : undefined;
    const what = side ? this.#take('"host", "net" or "port"') : word;
    if (what.text === 'host' || what.text === 'net') this.#address(word, side, what.text);
    else if (what.text === 'port') this.#port(word, side);
    else if (side) this.#fail(what, `"${what.text}" where "host", "net" or "port" was expected`);
    else if (what.text === 'proto') {
      const protocol = this.#number(this.#take('a protocol number'), 255);
      this.#set(word, tapCondition.PROTOCOL, { protocol });
    } else this.#named(word);
  }

  #named(word: Word): void {
    const family = families[word.text];
    const protocol = protocols[word.text];
    if (family !== undefined) this.#set(word, tapCondition.FAMILY, { family });
    else if (protocol !== undefined) this.#set(word, tapCondition.PROTOCOL, { protocol });
    else this.#fail(word, `"${word.text}" is not known`);
  }

  #number(word: Word, most: number): number {
    const value = /^\d+$/.test(word.text) ? Number(word.text) : Number.NaN;
    if (!(value <= most)) this.#fail(word, `"${word.text}" is not a number from 0 to ${most}`);
    return value;
  }

  #port(word: Word, side: Side): void {
    const given = this.#number(this.#take('a port'), 65535);
    const port = ((given & 0xff) << 8) | (given >> 8);
    const { conditions } = this.result;
    const clash = side === undefined ? tapCondition.SOURCE_PORT | tapCondition.DESTINATION_PORT : tapCondition.PORT;
    if (conditions & clash) this.#fail(word, 'a port of either end and one of a certain end cannot both be asked for');
    if (side === 'dst') this.#set(word, tapCondition.DESTINATION_PORT, { destination_port: port });
    else this.#set(word, side ? tapCondition.SOURCE_PORT : tapCondition.PORT, { source_port: port });
  }

  #address(word: Word, side: Side, kind: 'host' | 'net'): void {
    const given = this.#take(kind === 'host' ? 'an address' : 'a prefix');
    const [address = '', length] = given.text.split('/');
    const family = isIP(address);
    if (family === 0 || (kind === 'host' && length !== undefined))
      this.#fail(given, `"${given.text}" is not ${kind === 'host' ? 'an address' : 'a prefix'}`);
    const bits = family === 4 ? 32 : 128;
    const prefixLength = length === undefined ? bits : this.#number({ text: length, at: given.at }, bits);
    const prefix = prefixOf(parseIp(address)?.bytes ?? new Uint8Array(4), prefixLength);
    const wanted = family === 4 ? 2 : 10;
    if (this.result.conditions & tapCondition.FAMILY && this.result.family !== wanted)
      this.#fail(given, `"${given.text}" is of the other family`);
    const clash = side === undefined ? tapCondition.SOURCE | tapCondition.DESTINATION : tapCondition.HOST;
    if (this.result.conditions & clash)
      this.#fail(word, 'an address of either end and one of a certain end cannot both be asked for');
    if (side === 'dst') this.#set(word, tapCondition.DESTINATION, { destination: prefix });
    else this.#set(word, side ? tapCondition.SOURCE : tapCondition.HOST, { source: prefix });
    if (!(this.result.conditions & tapCondition.FAMILY)) this.#set(word, tapCondition.FAMILY, { family: wanted });
  }
}

/** Words hold network byte order, as C reads them. */
function prefixOf(address: Uint8Array, length: number): TapPrefix {
  const mask = new Uint8Array(16);
  for (let bit = 0; bit < length; bit++) mask[bit >> 3]! |= 0x80 >> (bit & 7);
  const full = new Uint8Array(16);
  full.set(address);
  return { address: words(full), mask: words(mask) };
}

function words(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  return [0, 4, 8, 12].map((at) => view.getUint32(at, true));
}
