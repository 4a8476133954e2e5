/**
 * Who is named by what is remembered of fragments. It says for a minute where the rest of a packet goes, by the numbers of
 * a service and a backend, so these are not given to others before: a late fragment would go to a stranger.
 */
import { lbFragmentCodec, natFragmentCodec } from '../bpf/generated/headrace.ts';
import type { FlowTable } from './flow-sweep.ts';

/** As long as the packet path goes by them (LB_FRAGMENT_SECONDS, NAT_FRAGMENT_SECONDS). */
const KEPT_MS = 60_000;
const NS = 1e6;

/** Sizes of the entries of both tables, which begin alike: seen, service, backend. */
export const fragmentEntry = { tunneled: lbFragmentCodec.size, translated: natFragmentCodec.size } as const;

export interface FragmentOwners {
  readonly services: ReadonlySet<number>;
  readonly backends: ReadonlySet<number>;
}

/** Walks through a table; each step is one batch. @param now monotonic milliseconds, asked once a batch. */
export function* fragmentOwners(
  table: Pick<FlowTable, 'rawBatches'>,
  entrySize: number,
  now: () => number,
  batchSize = 512,
): Generator<void, FragmentOwners> {
  const services = new Set<number>();
  const backends = new Set<number>();
  for (const { count, values } of table.rawBatches(batchSize)) {
    const time = now();
    for (let at = 0; at < count * entrySize; at += entrySize) {
      if (time - Number(values.getBigUint64(at, true)) / NS > KEPT_MS) continue;
      services.add(values.getUint32(at + 8, true));
      backends.add(values.getUint32(at + 12, true));
    }
    yield;
  }
  return { services, backends };
}
