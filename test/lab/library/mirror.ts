/** Whether a box's mirror of the routes answers, as its status says. */
import type { MirrorState } from '../../../controlplane/routing/mirror/index.ts';
import type { Headrace } from './headrace.ts';
import { until } from './wait.ts';

export interface MirrorStatus {
  readonly configured: string;
  readonly mode: 'helper' | 'mirror';
  readonly why: string;
  readonly workerDeaths: number;
  readonly mirror: MirrorState | null;
}

export function mirrorOf(box: Headrace): MirrorStatus {
  return box.status<{ readonly parts: { readonly fib: MirrorStatus } }>().parts.fib;
}

/** Waits until packets of both families get their answer from the mirror. */
export async function mirrorValid(box: Headrace, timeoutMs = 60_000): Promise<void> {
  const valid = (): boolean => {
    const { mirror, why } = mirrorOf(box);
    if (mirror?.ipv4.valid && mirror.ipv6.valid) return true;
    throw new Error(mirror ? `${mirror.ipv4.why}, ${mirror.ipv6.why}; ${box.process.stderr.slice(-2000)}` : why);
  };
  await until('the mirror to be valid', valid, { timeoutMs, everyMs: 200 });
}
