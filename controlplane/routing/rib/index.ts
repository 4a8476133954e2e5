/** The kernel's routes as messages tell them, and what of them plain forwarding can use. */
export { FibWriter, type ResolveLeg } from './fib-writer.ts';
export { type Hop, type HopDescription, HopRegistry, type Leg, legKey, type NexthopObject } from './hop-registry.ts';
export {
  type AddMode,
  localTable,
  mainTable,
  Rib,
  type RibStatistics,
  type RouteDescription,
} from './rib.ts';
export { finish, inTurn, type Work } from './work.ts';
