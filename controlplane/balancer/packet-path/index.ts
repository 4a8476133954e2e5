/** The balance stage's maps, as the control plane writes them. */
export { clientHash, type FlowTuple, flowHash, type ServiceKey, slotOf } from './hash.ts';
export { outerSum } from './outer-sum.ts';
export { ServiceIndex } from './service-index.ts';
export { tablesOf } from './tables.ts';
