/** What the routing worker and the main thread say to each other. */
import type { MirrorAnswer, MirrorState } from './state.ts';

export interface WorkerData {
  /** Where the maps are pinned. */
  readonly folder: string;
}

export type FromWorker =
  | { readonly kind: 'state'; readonly state: MirrorState }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: MirrorAnswer }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>> | undefined;
    };

export type ToWorker =
  | { readonly kind: 'ask'; readonly id: number; readonly address: Uint8Array }
  | { readonly kind: 'resync' }
  | { readonly kind: 'stop' };
