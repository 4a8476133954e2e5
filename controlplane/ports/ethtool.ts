/**
 * What a driver says of its queues, rings and offloads: the ethtool ioctls (linux/ethtool.h), without the ethtool
 * program. They ask this network namespace's interfaces. Asking needs no privilege, and answers undefined where the
 * driver does not implement the question, as many virtual ones do not, or the interface is gone.
 */
import { close, ioctl, socket } from '../bpf/libc.ts';

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const SIOCETHTOOL = 0x8946;
const GRINGPARAM = 0x10;
const GSTRINGS = 0x1b;
const GSTATS = 0x1d;
const GSSET_INFO = 0x37;
const GFEATURES = 0x3a;
const SFEATURES = 0x3b;
const GCHANNELS = 0x3c;
const SS_STATS = 1;
const SS_FEATURES = 4;
const STRING_BYTES = 32;

export interface Channels {
  /** Receive queues in use: own ones and combined ones. */
  readonly receive: number;
  readonly transmit: number;
  /** Most the driver can be set to. */
  readonly receiveMax: number;
  readonly transmitMax: number;
  /** Queues are set as `combined`, not as `rx` and `tx`. */
  readonly combined: boolean;
}

export interface Rings {
  readonly receive: number;
  readonly receiveMax: number;
  readonly transmit: number;
  readonly transmitMax: number;
}

export function channelsOf(name: string): Channels | undefined {
  const words = ask(name, GCHANNELS, 36);
  if (!words) return undefined;
  const [, maxRx = 0, maxTx = 0, , maxCombined = 0, rx = 0, tx = 0, , combined = 0] = words;
  return {
    receive: rx + combined,
    transmit: tx + combined,
    receiveMax: Math.max(maxRx, maxCombined),
    transmitMax: Math.max(maxTx, maxCombined),
    combined: maxCombined > 0,
  };
}

export function ringsOf(name: string): Rings | undefined {
  const words = ask(name, GRINGPARAM, 36);
  if (!words) return undefined;
  const [, receiveMax = 0, , , transmitMax = 0, receive = 0, , , transmit = 0] = words;
  return { receive, receiveMax, transmit, transmitMax };
}

/** Offloads by the kernel's own names (`rx-lro`, `rx-gro`, `rx-vlan-hw-parse`, …): is each active? */
export function offloadsOf(name: string): Readonly<Record<string, boolean>> | undefined {
  const names = featureNames(name);
  if (!names) return undefined;
  const blocks = Math.ceil(names.length / 32);
  const request = Buffer.alloc(8 + 16 * blocks);
  request.writeUInt32LE(GFEATURES, 0);
  request.writeUInt32LE(blocks, 4);
  if (!call(name, request)) return undefined;
  // struct ethtool_get_features_block: available, requested, active, never_changed
  const active = (bit: number): boolean => ((request.readUInt32LE(8 + 16 * (bit >> 5) + 8) >>> (bit & 31)) & 1) === 1;
  return Object.fromEntries(names.map((feature, bit) => [feature, active(bit)] as const).filter(([key]) => key !== ''));
}

/**
 * Switches offloads off, by the kernel's names. Those that the driver does not let be switched stay as they are: look
 * again. Needs CAP_NET_ADMIN.
 */
export function switchOffloadsOff(name: string, offloads: readonly string[]): void {
  const names = featureNames(name);
  if (!names) return;
  const blocks = Math.ceil(names.length / 32);
  const request = Buffer.alloc(8 + 8 * blocks);
  request.writeUInt32LE(SFEATURES, 0);
  request.writeUInt32LE(blocks, 4);
  // struct ethtool_set_features_block: valid, requested
  for (const [bit, feature] of names.entries()) {
    const at = 8 + 8 * (bit >> 5);
    if (offloads.includes(feature)) request.writeUInt32LE((request.readUInt32LE(at) | (1 << (bit & 31))) >>> 0, at);
  }
  call(name, request);
}

/** The driver's own counters of an interface (`ethtool -S`), by its own names. */
export function statisticsOf(name: string): ReadonlyMap<string, bigint> | undefined {
  const names = stringsOf(name, SS_STATS);
  if (!names) return undefined;
  const request = Buffer.alloc(8 + 8 * names.length);
  request.writeUInt32LE(GSTATS, 0);
  request.writeUInt32LE(names.length, 4);
  if (!call(name, request)) return undefined;
  return new Map(names.map((counter, i) => [counter, request.readBigUInt64LE(8 + 8 * i)]));
}

function featureNames(name: string): string[] | undefined {
  return stringsOf(name, SS_FEATURES);
}

function stringsOf(name: string, set: number): string[] | undefined {
  const size = Buffer.alloc(20);
  size.writeUInt32LE(GSSET_INFO, 0);
  size.writeBigUInt64LE(1n << BigInt(set), 8);
  if (!call(name, size)) return undefined;
  const count = size.readBigUInt64LE(8) === 0n ? 0 : size.readUInt32LE(16);
  if (count === 0) return undefined;
  const strings = Buffer.alloc(12 + STRING_BYTES * count);
  strings.writeUInt32LE(GSTRINGS, 0);
  strings.writeUInt32LE(set, 4);
  strings.writeUInt32LE(count, 8);
  if (!call(name, strings)) return undefined;
  return Array.from({ length: count }, (_, i) => {
    const text = strings.toString('latin1', 12 + STRING_BYTES * i, 12 + STRING_BYTES * (i + 1));
    return text.slice(0, text.indexOf('\0'));
  });
}

/** The 32-bit words of the answer to a request that is a command and room. */
function ask(name: string, command: number, bytes: number): number[] | undefined {
  const request = Buffer.alloc(bytes);
  request.writeUInt32LE(command, 0);
  if (!call(name, request)) return undefined;
  return Array.from({ length: bytes / 4 }, (_, i) => request.readUInt32LE(i * 4));
}

function call(name: string, request: Buffer): boolean {
  const fd = socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) return false;
  const result = ioctl(fd, SIOCETHTOOL, name, request);
  close(fd);
  return result >= 0;
}
