/** What a backend is, all told: what the file says, what an operator overrides, and what its checks say. */
import type { HealthVerdict } from './health-source.ts';
import type { AdminState, BackendSpec } from './model.ts';

export type BackendState = 'active' | 'draining' | 'maintenance' | 'down';
export const backendStates: readonly BackendState[] = ['active', 'draining', 'maintenance', 'down'];

export interface BackendView {
  readonly state: BackendState;
  /** In the ring; 0: gets no new connections. */
  readonly ringWeight: number;
  /** Serves the connections it has. */
  readonly lives: boolean;
  /** For people; empty when there is nothing to say. */
  readonly reason: string;
}

/** What an operator said instead of the file. */
export interface Override {
  readonly state: AdminState;
  /** Milliseconds until draining becomes maintenance; undefined: never. */
  readonly leftMs?: number | undefined;
}

export interface Circumstances {
  readonly override: Override | undefined;
  readonly verdict: HealthVerdict;
  /** It served connections up to now: a daemon that starts takes over what there is. */
  readonly lived: boolean;
  /** Milliseconds it has been draining by the file's word. */
  readonly drainingForMs: number;
}

export function judge(spec: BackendSpec, { override, verdict, lived, drainingForMs }: Circumstances): BackendView {
  const state = override?.state ?? spec.state;
  const said = override ? 'by an operator' : '';
  if (state === 'maintenance') return out('maintenance', said);
  if (verdict === 'down') return out('down', 'its checks fail');
  if (verdict === 'unknown' && !lived) return out('down', 'not checked yet');
  if (state === 'draining') {
    const left = override ? override.leftMs : spec.drainMs === undefined ? undefined : spec.drainMs - drainingForMs;
    if (left !== undefined && left <= 0) return out('maintenance', 'its time to drain is over');
    return { state: 'draining', ringWeight: 0, lives: true, reason: said };
  }
  const reason = spec.weight === 0 ? 'weight 0: no new connections' : said;
  return { state: 'active', ringWeight: spec.weight, lives: true, reason };
}

function out(state: BackendState, reason: string): BackendView {
  return { state, ringWeight: 0, lives: false, reason };
}
