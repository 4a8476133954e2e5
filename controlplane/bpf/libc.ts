/**
 * The C library, as far as Headrace needs it beyond what Node offers: sockets of families Node does not know, network
 * namespaces, mounts and mappings.
 *
 * Every function here returns in microseconds, so none is called asynchronously. `errno` must be read by the next
 * statement after a call. Integers are truncated silently on the way in: callers pass checked values.
 */
import os from 'node:os';
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');

type Pointer = Uint8Array | DataView | null;

export const socket = libc.func('int socket(int domain, int type, int protocol)') as (
  domain: number,
  type: number,
  protocol: number,
) => number;
export const bind = libc.func('int bind(int fd, const void *address, uint length)') as (
  fd: number,
  address: Uint8Array,
  length: number,
) => number;
export const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint length)') as (
  fd: number,
  level: number,
  name: number,
  value: Uint8Array,
  length: number,
) => number;
const getsockoptRaw = libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)');

/** Fills `value`. @returns 0, or -1 with errno set. */
export function getsockopt(fd: number, level: number, name: number, value: Uint8Array): number {
  return getsockoptRaw(fd, level, name, value, Uint32Array.of(value.length)) as number;
}
export const send = libc.func('long send(int fd, const void *data, size_t length, int flags)') as (
  fd: number,
  data: Uint8Array,
  length: number,
  flags: number,
) => number;
export const sendto = libc.func(
  'long sendto(int fd, const void *data, size_t length, int flags, const void *address, uint size)',
) as (fd: number, data: Uint8Array, length: number, flags: number, address: Pointer, size: number) => number;
export const recv = libc.func('long recv(int fd, void *data, size_t length, int flags)') as (
  fd: number,
  data: Uint8Array,
  length: number,
  flags: number,
) => number;
export const close = libc.func('int close(int fd)') as (fd: number) => number;
export const setns = libc.func('int setns(int fd, int type)') as (fd: number, type: number) => number;
export const dupCloseOnExec = (fd: number): number => fcntl(fd, 1030 /* F_DUPFD_CLOEXEC */, 'int', 0);
const fcntl = libc.func('int fcntl(int fd, int command, ...)') as (
  fd: number,
  command: number,
  type: string,
  value: number,
) => number;
export const mount = libc.func(
  'int mount(const char *source, const char *target, const char *type, ulong flags, const char *data)',
) as (source: string, target: string, type: string, flags: number, data: string | null) => number;
export const umount = libc.func('int umount2(const char *target, int flags)') as (
  target: string,
  flags: number,
) => number;
const mmapRaw = libc.func('uintptr_t mmap(void *address, size_t length, int protection, int flags, int fd, long at)');
const munmapRaw = libc.func('int munmap(uintptr_t address, size_t length)');

/**
 * Shared mapping of `length` bytes of `fd` from byte `at` on; its address, or undefined with errno set. Writable unless
 * told otherwise.
 */
export function mapShared(fd: number, length: number, at = 0, access: 'read' | 'write' = 'write'): bigint | undefined {
  const address = BigInt(mmapRaw(null, length, access === 'read' ? 1 : 3, 1, fd, at) as number | bigint);
  return address === 0xffffffffffffffffn ? undefined : address;
}

export function unmap(address: bigint, length: number): void {
  munmapRaw(address, length);
}

const memset = libc.func('uintptr_t memset(void *memory, int byte, size_t length)');
const madvise = libc.func('int madvise(uintptr_t address, size_t length, int advice)');
const SMALL_PAGE = 4096n;

/** Asks for large pages behind the array; what the kernel makes of it is its own business. */
export function adviseHugePages(array: Uint32Array): void {
  // Setting nothing gives the address back, in whole pages of which the kernel wants it.
  const address = BigInt(memset(array, 0, 0) as number | bigint);
  const first = (address + SMALL_PAGE - 1n) & ~(SMALL_PAGE - 1n);
  madvise(first, address + BigInt(array.byteLength) - first, 14 /* MADV_HUGEPAGE */);
}

const clockGettime = libc.func('int clock_gettime(int clock, void *time)');
const clockTime = new BigInt64Array(2);

/** CPU time the calling thread has used, in milliseconds. */
export function threadCpuMs(): number {
  clockGettime(3 /* CLOCK_THREAD_CPUTIME_ID */, clockTime);
  return Number(clockTime[0]) * 1000 + Number(clockTime[1]) / 1e6;
}

const setAffinity = libc.func('int sched_setaffinity(int thread, size_t size, const void *cpus)');

/** Has the calling thread run on these CPUs only (numbers below 1024). @returns 0, or -1 with errno set. */
export function runOnCpus(cpus: readonly number[]): number {
  const mask = Buffer.alloc(128);
  for (const cpu of cpus) mask[cpu >> 3]! |= 1 << (cpu & 7);
  return setAffinity(0, mask.length, mask) as number;
}

const ioctlRaw = libc.func('int ioctl(int fd, ulong request, void *argument)') as (
  fd: number,
  request: number,
  argument: Uint8Array,
) => number;

/** A device request (struct ifreq: the interface's name, then a pointer to `data`). */
export function ioctl(fd: number, request: number, name: string, data: Uint8Array): number {
  const ifreq = Buffer.alloc(40);
  ifreq.write(name.slice(0, 15), 'utf8');
  ifreq.writeBigUInt64LE(BigInt(koffi.address(data)), 16);
  return ioctlRaw(fd, request, ifreq);
}

/** A request whose argument is a structure. */
export function ioctlBytes(fd: number, request: number, argument: Uint8Array): number {
  return ioctlRaw(fd, request, argument);
}

/** Has a socket receive only what a classic BPF program (struct sock_filter, eight bytes each) lets pass. */
export function attachFilter(fd: number, program: Uint8Array): number {
  // struct sock_fprog: the number of instructions, then a pointer to them. The kernel copies them.
  const header = new Uint8Array(16);
  const view = new DataView(header.buffer);
  const little = os.endianness() === 'LE';
  view.setUint16(0, program.length / 8, little);
  view.setBigUint64(8, BigInt(koffi.address(program)), little);
  return setsockopt(fd, 1 /* SOL_SOCKET */, 26 /* SO_ATTACH_FILTER */, header, header.length);
}

/** errno of the last call. */
export function errno(): number {
  return koffi.errno();
}

const errnoNames = new Map<number, string>(Object.entries(os.constants.errno).map(([name, value]) => [value, name]));

/** "EBUSY" for 16. */
export function errnoName(code: number): string {
  return errnoNames.get(Math.abs(code)) ?? `errno ${Math.abs(code)}`;
}

const strerrorRaw = libc.func('const char *strerror(int code)') as (code: number) => string;

/** "device or resource busy (EBUSY)" for 16. */
export function describeErrno(code: number): string {
  const text = strerrorRaw(Math.abs(code));
  return `${text[0]?.toLowerCase() ?? ''}${text.slice(1)} (${errnoName(code)})`;
}
