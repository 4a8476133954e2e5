/**
 * One capture at a time, for as long as the one who asked for it says so.
 *
 * Who captures reads the ring by himself; the daemon only switches the tap. It is told once a second that the capture
 * is still wanted, and ends it when nobody has said so for five.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Link } from '../../../controlplane/netlink/index.ts';
import { FilterError, parseFilter, type Tap, type TapCounts } from '../../../controlplane/tap/index.ts';
import type { EventLog } from '../../../monitoring/events/index.ts';
import { RouteError, type RouteRequest } from '../part.ts';

const KEPT_SECONDS = 5;

export const captureRequestSchema = z.strictObject({
  interface: z.string().optional(),
  filter: z.string().max(500).default(''),
  verdicts: z.array(z.string()).default([]),
  reasons: z.array(z.string()).default([]),
  snap: z.int().min(14).max(2048).default(256),
  /** Packets a second and CPU. */
  rate: z.int().min(4).max(1_000_000).default(10_000),
});

export type CaptureRequest = z.input<typeof captureRequestSchema>;

const tokenSchema = z.strictObject({ token: z.string() });

export class CaptureSession {
  readonly #tap: Tap;
  readonly #links: () => readonly Link[];
  readonly #events: EventLog;
  #token: string | undefined;
  #seconds = 0;
  /** Of captures before this one: while packets are sampled, the tap goes on counting. */
  #before: TapCounts | undefined;

  constructor(tap: Tap, links: () => readonly Link[], events: EventLog) {
    this.#tap = tap;
    this.#links = links;
    this.#events = events;
  }

  get active(): boolean {
    return this.#token !== undefined;
  }

  /** @throws RouteError */
  start({ body }: RouteRequest): { readonly token: string } {
    if (this.#token !== undefined)
      throw new RouteError(409, 'somebody captures already: wait until that capture has ended, or end it');
    const parsed = captureRequestSchema.safeParse(body ?? {});
    if (!parsed.success) throw new RouteError(400, z.prettifyError(parsed.error));
    const { verdicts, reasons, snap, rate } = parsed.data;
    this.#before = this.#tap.counts();
    try {
      this.#tap.startCapture({
        ifindex: this.#ifindexOf(parsed.data.interface),
        filter: parseFilter(parsed.data.filter),
        verdicts,
        reasons,
        snap,
        rate,
      });
    } catch (error) {
      if (error instanceof FilterError || error instanceof RangeError) throw new RouteError(400, error.message);
      throw error;
    }
    this.#token = randomUUID();
    this.#seconds = 0;
    this.#events.emit('capture_began', { filter: inWords(parsed.data) });
    return { token: this.#token };
  }

  /** Still wanted. @returns what the packet path counted so far. */
  keep(request: RouteRequest): unknown {
    this.#check(request);
    this.#seconds = 0;
    return this.#counts();
  }

  stop(request: RouteRequest): unknown {
    this.#check(request);
    const counts = this.#counts();
    this.end('by who asked for it');
    return counts;
  }

  /** Since the capture began. */
  #counts(): TapCounts | null {
    const now = this.#tap.counts();
    if (!now) return null;
    const before = this.#before;
    const since = (count: keyof TapCounts): bigint => now[count] - (before?.[count] ?? 0n);
    return {
      captured: since('captured'),
      missed: since('missed'),
      limited: since('limited'),
      sampled: since('sampled'),
      sampleMissed: since('sampleMissed'),
    };
  }

  tick(): void {
    if (this.active && ++this.#seconds > KEPT_SECONDS) this.end(`for nobody asked for it in ${KEPT_SECONDS} seconds`);
  }

  /** @param why in words that end a sentence */
  end(why: string): void {
    if (!this.active) return;
    const counts = this.#counts();
    this.#token = undefined;
    this.#tap.stopCapture();
    const { captured, missed } = { captured: Number(counts?.captured ?? 0n), missed: Number(counts?.missed ?? 0n) };
    this.#events.emit('capture_ended', { why, captured, missed });
  }

  #check({ body }: RouteRequest): void {
    const parsed = tokenSchema.safeParse(body);
    if (!parsed.success || parsed.data.token !== this.#token)
      throw new RouteError(
        410,
        `that capture has ended: nobody said for ${KEPT_SECONDS} seconds that it was wanted, or a reload ended it`,
      );
  }

  #ifindexOf(name: string | undefined): number {
    if (name === undefined) return 0;
    const link = this.#links().find((candidate) => candidate.name === name);
    if (!link) throw new RouteError(400, `interface ${name} does not exist: see "headrace interfaces"`);
    return link.index;
  }
}

/** What is asked for, as somebody would have typed it. */
function inWords({ interface: name, filter, verdicts, reasons }: z.output<typeof captureRequestSchema>): string {
  const words = [name ?? '', filter, verdicts.join(','), reasons.join(',')].filter(Boolean);
  return words.length === 0 ? 'everything' : words.join('; ');
}
