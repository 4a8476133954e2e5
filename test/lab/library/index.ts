/**
 * The lab: hosts in network namespaces, links between them, the daemons that run on them, and the traffic they send.
 * Everything tests and the demo need to build a small Internet, and to leave nothing of it behind.
 */
export { Bird } from './bird.ts';
export { Frr, type FrrOptions } from './frr.ts';
export * from './full-table-box.ts';
export { type Counter, Headrace, type HeadraceOptions, headrace } from './headrace.ts';
export { type ExecOptions, Host, type LinkInfo, type Output } from './host.ts';
export { Lab, type LinkOptions } from './lab.ts';
export { type MirrorStatus, mirrorOf, mirrorValid } from './mirror.ts';
export { type Probe, Prober } from './prober.ts';
export { Process, type SpawnOptions } from './process.ts';
export { ends, joinServer, minimalConfig, type RoutedPair, type RoutedPairOptions, routedPair } from './routed-pair.ts';
export { type Arrived, Stream, type StreamOptions } from './stream.ts';
export { demolish, leftovers, sweepDeadRuns } from './sweep.ts';
export { until, type WaitOptions } from './wait.ts';
