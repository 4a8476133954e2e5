/**
 * A stream from the client to the target, received wherever it arrives. At a steady rate, packets lost are time lost:
 * that is how interruptions are measured, without a clock at two places.
 */
import { type Process, until } from '../library/index.ts';
import { helperCommand } from '../library/repository.ts';
import { target, type World } from './world.ts';

/** Packets a second. */
export const rate = 500;

export type Place = 'server' | 'other';

export interface TrafficOptions {
  /** Default 10.0.1.2. */
  readonly source?: string;
  /** UDP port. Default 9000. */
  readonly port?: number;
  /** Source ports taken in turn. Default 1. */
  readonly flows?: number;
}

export class Traffic {
  readonly #sender: Process;
  readonly #receivers: Readonly<Record<Place, Process>>;

  private constructor(sender: Process, receivers: Readonly<Record<Place, Process>>) {
    this.#sender = sender;
    this.#receivers = receivers;
  }

  static async start(world: World, options: TrafficOptions = {}): Promise<Traffic> {
    const settings = { source: '10.0.1.2', destination: target, port: 9000, flows: 1, size: 100, count: 0, rate };
    const words = (mode: string): string[] => [
      ...helperCommand('stream-process'),
      mode,
      JSON.stringify({ ...settings, ...options }),
    ];
    const receivers = { server: world.server.spawn(words('receive')), other: world.other.spawn(words('receive')) };
    for (const receiver of Object.values(receivers)) await receiver.line(/^listening$/, { timeoutMs: 60_000 });
    const sender = world.client.spawn(words('send'));
    await sender.line(/^sending$/, { timeoutMs: 60_000 });
    return new Traffic(sender, receivers);
  }

  /** Packets received there, or in all, as of a tenth of a second ago. */
  received(place?: Place): number {
    const places: readonly Place[] = place ? [place] : ['server', 'other'];
    return places.reduce((sum, one) => sum + lastNumber(this.#receivers[one].stdout, 'received'), 0);
  }

  /** Waits until `count` more packets have arrived there. */
  async flow(count: number, place?: Place): Promise<void> {
    const goal = this.received(place) + count;
    await until(`${count} more packets to arrive`, () => this.received(place) >= goal, { timeoutMs: 60_000 });
  }

  /** Waits until nothing arrives any more, and says for how many milliseconds something did. */
  async silence(): Promise<number> {
    const start = Date.now();
    let [seen, since] = [this.received(), start];
    await until(
      'the packets to stop arriving',
      () => {
        const now = this.received();
        if (now !== seen) [seen, since] = [now, Date.now()];
        return Date.now() - since > 600;
      },
      { timeoutMs: 60_000, everyMs: 20 },
    );
    return since - start;
  }

  /** Where packets arrive now: `server`, `other`, `both` or `nowhere`. */
  async arrives(): Promise<string> {
    const before = { server: this.received('server'), other: this.received('other') };
    const sent = lastNumber(this.#sender.stdout, 'sent');
    await until('a few hundred packets to be sent', () => lastNumber(this.#sender.stdout, 'sent') >= sent + 300);
    // What was received is told of a tenth of a second later than what was sent.
    const at = (place: Place): boolean => this.received(place) > before[place] + 75;
    return at('server') ? (at('other') ? 'both' : 'server') : at('other') ? 'other' : 'nowhere';
  }

  /** Ends it, and says how many packets did not arrive. */
  async lost(): Promise<number> {
    await this.#sender.kill('SIGTERM');
    const sent = lastNumber(this.#sender.stdout, 'sent');
    let [seen, since] = [-1, Date.now()];
    await until('the last packets to arrive', () => {
      const now = this.received();
      if (now !== seen) [seen, since] = [now, Date.now()];
      return now === sent || Date.now() - since > 1500;
    });
    for (const receiver of Object.values(this.#receivers)) await receiver.kill('SIGTERM');
    return sent - this.received();
  }
}

/** For how long nothing arrived, in milliseconds. */
export function outage(lost: number): number {
  return (1000 * lost) / rate;
}

function lastNumber(text: string, word: string): number {
  const at = text.lastIndexOf(`${word} `);
  return at < 0 ? 0 : Number.parseInt(text.slice(at + word.length + 1), 10);
}
