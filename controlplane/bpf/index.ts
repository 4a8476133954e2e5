/**
 * libbpf for TypeScript: open an object, set its constants, load it, attach it, and read and write its maps through
 * codecs generated from its BTF. Nothing in here knows what the programs do.
 */
export { ensureBpffs, isBpffs } from './bpffs.ts';
export { type Capability, hasCapability } from './capabilities.ts';
export type { Codec, MapDescriptor } from './codec.ts';
export { CpuCells } from './cpu-cells.ts';
export { BpfError, LayoutError, VerifierError } from './errors.ts';
export { possibleCpus } from './libbpf.ts';
export { type LinkInfo, XdpLink, type XdpMode } from './link.ts';
export { BpfMap, type MapInfo, MappedMap } from './map.ts';
export { inNetns, netnsInode } from './netns.ts';
export { BpfObject } from './object.ts';
export { Program, type TestRunOptions, type TestRunResult } from './program.ts';
export { RingBuffer } from './ring-buffer.ts';
export { isOwnTcx, TcxLink } from './tcx-link.ts';
export { TracepointLink } from './tracepoint-link.ts';
