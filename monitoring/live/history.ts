/** The last minutes of traffic, a value a second, so that a chart is full when a page opens. */
import type { CounterRates } from './rates.ts';
import { type History, type Outcome, outcomes } from './snapshot.ts';

const SECONDS = 300;
const INTERFACE_SECONDS = 60;

type Lists = Record<Outcome, number[]>;
const lists = (): Lists => ({ fast: [], kernel: [], dropped: [] });

export class TrafficHistory {
  readonly #at: number[] = [];
  readonly #packets = lists();
  readonly #bytes = lists();
  readonly #interfaces = new Map<string, number[]>();

  /** @param at milliseconds since 1970. @param names of the interfaces that are ports; others are forgotten. */
  add(at: number, rates: CounterRates, names: readonly string[]): void {
    push(this.#at, Math.round(at / 1000), SECONDS);
    for (const outcome of outcomes) {
      push(this.#packets[outcome], Math.round(rates.total[outcome].packets), SECONDS);
      push(this.#bytes[outcome], rates.total[outcome].bytes, SECONDS);
    }
    const gone = new Set(this.#interfaces.keys());
    for (const name of names) {
      gone.delete(name);
      const list = this.#interfaces.get(name) ?? [];
      this.#interfaces.set(name, list);
      const traffic = rates.interfaces.get(name);
      const sum = traffic ? outcomes.reduce((total, outcome) => total + traffic[outcome].packets, 0) : 0;
      push(list, Math.round(sum), INTERFACE_SECONDS);
    }
    for (const name of gone) this.#interfaces.delete(name);
  }

  get(): History {
    return {
      at: [...this.#at],
      packets: copy(this.#packets),
      bytes: copy(this.#bytes),
      interfaces: Object.fromEntries([...this.#interfaces].map(([name, list]) => [name, [...list]])),
    };
  }
}

function push(list: number[], value: number, most: number): void {
  list.push(value);
  if (list.length > most) list.shift();
}

function copy(from: Lists): Lists {
  return { fast: [...from.fast], kernel: [...from.kernel], dropped: [...from.dropped] };
}
