/**
 * Wrong tokens are looked at three times a second and client; who sends more has to wait, whatever they send. Right ones
 * are not counted, and nobody waits for others, except behind one address: a proxy, or an IPv6 network (/64), of which
 * a host may have any.
 */
import { isIP } from 'node:net';

const A_SECOND = 3;

export class WrongTokens {
  readonly #now: () => number;
  #second = 0;
  /** Of this second: as many as there were requests, no more. */
  readonly #counts = new Map<string, number>();

  /** @param now milliseconds; default `performance.now` */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Has the client to wait? */
  mustWait(client: string): boolean {
    this.#turn();
    return (this.#counts.get(networkOf(client)) ?? 0) >= A_SECOND;
  }

  /** The client has sent one. */
  add(client: string): void {
    this.#turn();
    const network = networkOf(client);
    this.#counts.set(network, (this.#counts.get(network) ?? 0) + 1);
  }

  #turn(): void {
    const second = Math.floor(this.#now() / 1000);
    if (second !== this.#second) this.#counts.clear();
    this.#second = second;
  }
}

/** Of IPv6 the first 64 bits, of anything else all of it. */
function networkOf(client: string): string {
  const [address = ''] = client.split('%');
  if (isIP(address) !== 6 || address.includes('.')) return client;
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const behind = tail === undefined ? [] : groups(tail);
  const missing = new Array<string>(Math.max(0, 8 - groups(head).length - behind.length)).fill('0');
  const all = [...groups(head), ...missing, ...behind];
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
