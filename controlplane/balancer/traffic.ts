/** Traffic of services and backends, as packets counted it: per CPU, by number. */

import { type LbCpuTraffic, lbCpuTrafficCodec, lbEventNames, lbTrafficCodec } from '../bpf/generated/headrace.ts';
import { CpuCells } from '../bpf/index.ts';
import type { BpfMap } from '../bpf/map.ts';

type Cells = CpuCells<Traffic>;
type TrafficMap = BpfMap<number, LbCpuTraffic>;

/** Of services, by number. */
export const serviceTraffic = (map: TrafficMap): Cells =>
  CpuCells.field(map, lbCpuTrafficCodec, 'services', lbTrafficCodec);

/** Of backends, by number. */
export const backendTraffic = (map: TrafficMap): Cells =>
  CpuCells.field(map, lbCpuTrafficCodec, 'backends', lbTrafficCodec);

export interface Traffic {
  readonly packets: bigint;
  readonly bytes: bigint;
  /** Connections and flows first seen. */
  readonly flows: bigint;
}

export const noTraffic: Traffic = { packets: 0n, bytes: 0n, flows: 0n };

/** Of the numbers below `limit`. */
export function readTraffic(map: Cells, limit: number): (number: number) => Traffic {
  const count = Math.min(map.maxEntries, Math.max(1, limit));
  const view = map.readRange(0, count);
  return (number) => {
    if (number >= count) return noTraffic;
    const sum = { ...noTraffic };
    for (let cpu = 0; cpu < map.cpus; cpu++) {
      const at = (cpu * count + number) * map.valueStride;
      sum.packets += view.getBigUint64(at, true);
      sum.bytes += view.getBigUint64(at + 8, true);
      sum.flows += view.getBigUint64(at + 16, true);
    }
    return sum;
  };
}

/** The same as plain numbers, by number, which is what thousands of metrics are made of: exact to 2^53. */
export interface TrafficColumns {
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
  readonly flows: Float64Array;
}

/** Of the numbers below `limit`. */
export function readTrafficColumns(map: Cells, limit: number): TrafficColumns {
  const count = Math.min(map.maxEntries, Math.max(1, limit));
  const { cpus, valueStride } = map;
  const view = map.readRange(0, count);
  const column = (offset: number): Float64Array => {
    const sums = new Float64Array(count);
    for (let cpu = 0, at = offset; cpu < cpus; cpu++)
      for (let i = 0; i < count; i++, at += valueStride)
        sums[i]! += view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
    return sums;
  };
  return { packets: column(0), bytes: column(8), flows: column(16) };
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
