/**
 * Addresses that stand for something: taken one by one out of a prefix, kept as long as they are wanted, given to somebody
 * else as late as can be. Pure.
 */
import { formatIp, parsePrefix } from '../netlink/ip-address.ts';

export class AddressPool {
  readonly #network: Uint8Array;
  readonly #size: number;
  readonly #taken = new Map<string, number>();
  readonly #used = new Set<number>();
  #next = 1;

  /** @param prefix of which the first and the last address are never given out */
  constructor(prefix: string) {
    const { bytes, prefixLength } = parsePrefix(prefix)!;
    this.#network = bytes;
    this.#size = 2 ** Math.min(bytes.length * 8 - prefixLength, 16);
  }

  /** The address for a name; undefined when there is none left. */
  take(name: string): string | undefined {
    const known = this.#taken.get(name);
    if (known !== undefined) return this.#address(known);
    if (this.#taken.size >= this.#size - 2) return undefined;
    while (this.#used.has(this.#next)) this.#advance();
    const number = this.#next;
    this.#advance();
    this.#taken.set(name, number);
    this.#used.add(number);
    return this.#address(number);
  }

  /** Gives back what stands for nothing that is wanted any more. @returns the addresses */
  keep(wanted: ReadonlySet<string>): string[] {
    const gone: string[] = [];
    for (const [name, number] of this.#taken) {
      if (wanted.has(name)) continue;
      this.#taken.delete(name);
      this.#used.delete(number);
      gone.push(this.#address(number));
    }
    return gone;
  }

  #advance(): void {
    this.#next = this.#next + 1 >= this.#size - 1 ? 1 : this.#next + 1;
  }

  #address(number: number): string {
    const bytes = Uint8Array.from(this.#network);
    bytes[bytes.length - 2]! |= number >> 8;
    bytes[bytes.length - 1]! |= number & 0xff;
    return formatIp(bytes);
  }
}
