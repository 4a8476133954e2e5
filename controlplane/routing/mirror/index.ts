/** The kernel's routes, mirrored into tables that packets read without asking it. */
export { type Choice, type ChoiceInput, choose, type FibConfig, worthwhileRoutes } from './choice.ts';
export { countRoutes } from './route-dump.ts';
export { unusualRule } from './rules.ts';
export type { SamplerCounters } from './sampler.ts';
export type { FamilyState, MirrorAnswer, MirrorState, Resync } from './state.ts';
export { MirrorThread, type MirrorThreadOptions } from './thread.ts';
