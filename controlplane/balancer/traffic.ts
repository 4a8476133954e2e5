/** Traffic of services and backends, as packets counted it: per CPU, by number. */

import type { LbTraffic } from '../bpf/generated/headrace.ts';
import { lbEventNames } from '../bpf/generated/headrace.ts';
import type { BpfMap } from '../bpf/map.ts';

export interface Traffic {
  readonly packets: bigint;
  readonly bytes: bigint;
  /** Connections and flows first seen. */
  readonly flows: bigint;
}

export const noTraffic: Traffic = { packets: 0n, bytes: 0n, flows: 0n };

/** Of the numbers below `limit`, in one system call. */
export function readTraffic(map: BpfMap<number, LbTraffic>, limit: number): (number: number) => Traffic {
  const count = Math.min(map.maxEntries, Math.max(1, limit));
  const view = map.readRange(0, count);
  return (number) => {
    if (number >= count) return noTraffic;
    const sum = { ...noTraffic };
    for (let cpu = 0; cpu < map.cpus; cpu++) {
      const at = (number * map.cpus + cpu) * map.valueStride;
      sum.packets += view.getBigUint64(at, true);
      sum.bytes += view.getBigUint64(at + 8, true);
      sum.flows += view.getBigUint64(at + 16, true);
    }
    return sum;
  };
}

export function addTraffic(a: Traffic, b: Traffic): Traffic {
  return { packets: a.packets + b.packets, bytes: a.bytes + b.bytes, flows: a.flows + b.flows };
}

/** What else the stage counted, by name. */
export function readEvents(map: BpfMap<number, bigint>): Map<string, bigint> {
  return new Map(
    lbEventNames.map((name, number) => [name, (map.getPerCpu(number) ?? []).reduce((sum, count) => sum + count, 0n)]),
  );
}
