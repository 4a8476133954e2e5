/**
 * The filter in front of own_v4: 4096 bits, set where surely no address of ours is.
 *
 * The packet path looks a source up in own_v4 only where the filter has no bit, which for all but one in a few hundred
 * sources saves a hash look-up. A bit is cleared before its address is entered and set again only with the whole set at
 * hand, so a packet that meets the filter half written is looked up and nothing worse.
 */
import { strangerLayout } from '../bpf/generated/headrace.ts';
import type { BpfMap } from '../bpf/index.ts';

const { FACTOR, SHIFT, WORDS } = strangerLayout;

/** Number of the address's bit. @param address as in own_v4: network byte order, read as a number of this host. */
export function strangerBit(address: number): number {
  return Math.imul(address, FACTOR) >>> SHIFT;
}

/** The filter's words for a set of own addresses. */
export function strangerWords(own: Iterable<number>): bigint[] {
  const words = Array<bigint>(WORDS).fill(0xffff_ffff_ffff_ffffn);
  for (const address of own) {
    const bit = strangerBit(address);
    words[bit >>> 6]! &= ~(1n << BigInt(bit & 63));
  }
  return words;
}

/** Writes the filter for own addresses that are all in own_v4 already, or are about to be entered. */
export function writeStrangers(map: BpfMap<number, bigint>, own: Iterable<number>): void {
  for (const [i, word] of strangerWords(own).entries()) map.set(i, word);
}
