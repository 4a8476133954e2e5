/** What the tables say of an address, in words: for the sampler, and for whoever asks where a packet goes. */
import { lengthOf, type NextHopTable, numberOf } from '../fib/index.ts';
import type { TableAnswer } from './sampler.ts';
import type { Side } from './side.ts';
import type { MirrorAnswer } from './state.ts';
import type { Surroundings } from './surroundings.ts';

/** Undefined: the tables say "ask", or nobody believes them. */
export function tableAnswer(side: Side, nextHops: NextHopTable, address: Uint8Array): TableAnswer | undefined {
  if (!side.valid || !side.table || !side.writer) return undefined;
  const entry = side.table.lookup(wordsOf(address));
  const number = numberOf(entry);
  const leg = number === 0 || !nextHops.isReady(number) ? undefined : side.writer.legOf(number);
  return leg?.gateway && { length: lengthOf(entry), ifindex: leg.ifindex, gateway: leg.gateway };
}

/** The table's answer with the record behind it; `why` when there is none. */
export function mirrorAnswer(
  answer: TableAnswer | undefined,
  why: string | undefined,
  surroundings: Surroundings,
  family: 4 | 6,
): MirrorAnswer {
  if (!answer)
    return {
      answers: false,
      why: why ?? 'the route is not plain, or its next hop is not resolved',
      prefixLength: undefined,
      ifindex: undefined,
      gateway: undefined,
      destinationMac: undefined,
      sourceMac: undefined,
      mtu: undefined,
    };
  const hop = surroundings.resolve(answer, family);
  return {
    answers: true,
    why: undefined,
    prefixLength: answer.length,
    ifindex: answer.ifindex,
    gateway: answer.gateway,
    destinationMac: hop?.destination,
    sourceMac: hop?.source,
    mtu: hop?.mtu,
  };
}

/** A random address below some route; undefined when there is none. */
export function randomAddress({ family, rib }: Side): Uint8Array | undefined {
  const words = new Uint32Array(4);
  const length = rib.randomPrefix(words);
  if (length < 0) return undefined;
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < bytes.length / 4; i++) {
    const host = Math.min(32, Math.max(0, (i + 1) * 32 - length));
    const random = host === 0 ? 0 : Math.floor(Math.random() * 2 ** host);
    view.setUint32(i * 4, (words[i]! | random) >>> 0);
  }
  return bytes;
}

/** The first address of some source prefix that routes name; undefined when none does. */
export function randomSource({ rib }: Side): Uint8Array | undefined {
  const { sources } = rib.hops;
  const source = sources[Math.floor(Math.random() * sources.length)];
  return source === undefined ? undefined : Buffer.from(source.split('/')[0]!, 'hex');
}

function wordsOf(address: Uint8Array): Uint32Array {
  const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
  return Uint32Array.from({ length: address.length / 4 }, (_, i) => view.getUint32(i * 4));
}
