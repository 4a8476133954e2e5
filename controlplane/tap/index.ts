/** The packet path's tap: captures and samples. */
export { FilterError, parseFilter } from './filter.ts';
export { destinationOf, type NetworkHeader, networkHeader } from './frame.ts';
export { readTapRecord, type TapRecord } from './record.ts';
export { type CaptureOptions, Tap, type TapCounts, tapFilterOf } from './tap.ts';
