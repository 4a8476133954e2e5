/** The parts of the map `lb_tables`, which is one structure, as memory: each is an array that packets read. */
import { type LbTables, lbTablesCodec } from '../../bpf/generated/headrace.ts';

/** @param view the map's memory. Each part shares it. */
export function tablesOf(view: DataView): Readonly<Record<keyof LbTables, DataView>> {
  const part = (name: keyof LbTables): DataView => lbTablesCodec.field(view, name);
  return {
    services: part('services'),
    backends: part('backends'),
    rings: part('rings'),
    filter: part('filter'),
    index: part('index'),
    slots: part('slots'),
  };
}
