/**
 * The words of the route tables: a next hop's number with the length of the prefix it stands for, or a group's number.
 *
 * The bits are those of `enum fib_layout` in xdp-programs/include/headrace/fib.h. Words are unsigned 32-bit numbers.
 */
import { fibLayout } from '../../bpf/generated/headrace.ts';

/** Slots of a group: one for each value of a byte. */
export const groupSlots = fibLayout.GROUP_SLOTS;

/** Next hop of a word that says "ask the kernel". */
export const ask = 0;

/** Numbers of next hops and groups are below this. */
export const numberLimit = 2 ** fibLayout.NUMBER_BITS;

const numberMask = numberLimit - 1;
const groupBit = 2 ** fibLayout.GROUP_SHIFT;
const listBit = 2 ** fibLayout.LIST_SHIFT;

/** Says that no group was free for the longer prefixes below a slot. Answers "ask". */
export const crowdedEntry = (fibLayout.LENGTH_CROWDED << fibLayout.LENGTH_SHIFT) >>> 0;

/** Word of a prefix of `length` bits that leads to next hop `nextHop`. */
export function hopEntry(nextHop: number, length: number): number {
  return ((length << fibLayout.LENGTH_SHIFT) | nextHop) >>> 0;
}

/** Word that leads on to group `group`. */
export function groupEntry(group: number): number {
  return (groupBit | group) >>> 0;
}

/** Word that leads on to list `list`. */
export function listEntry(list: number): number {
  return (groupBit | listBit | list) >>> 0;
}

/** Of a word that leads on: to a list? */
export function isListEntry(entry: number): boolean {
  return (entry & listBit) !== 0;
}

/** Does the word lead on, to a group or a list? */
export function isGroup(entry: number): boolean {
  return entry >= groupBit;
}

/** Number of the next hop or group. */
export function numberOf(entry: number): number {
  return entry & numberMask;
}

/** Bits of the prefix the entry is of; not for groups. */
export function lengthOf(entry: number): number {
  return (entry >>> fibLayout.LENGTH_SHIFT) & 0xff;
}
