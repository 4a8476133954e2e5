/** What a box is doing now. */

export { factsOf } from './facts.ts';
export { bitRate, count, duration, packetRate, percent, quantity } from './format.ts';
export { applyPatch, type Json, makePatch } from './merge-patch.ts';
export { readDeviceCounts } from './net-dev.ts';
export { LiveSampler, type LiveSources, type LiveStatus } from './sampler.ts';
export { type BalanceReading, servicesOf } from './services.ts';
export { sessionChanges } from './sessions.ts';
export * from './snapshot.ts';
export { reasonWords, wordsFor } from './words.ts';
