/** Services and backends for the snapshot, from the status the balancer gives of itself. */
import type { LiveService } from './snapshot.ts';

/** @param status `parts.balancer`; {} when there is no such part or nothing is balanced. */
export function servicesOf(_status: unknown): Record<string, LiveService> {
  return {};
}
