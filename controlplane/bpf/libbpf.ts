/**
 * libbpf's functions, bound by koffi, and its log.
 *
 * Only what libbpf 1.1 (Debian 12) exports. Functions that return int return a negative errno; those that return a
 * pointer return null and set errno. Option structures are plain buffers whose first 8 bytes are their size.
 */
import koffi from 'koffi';

const lib = koffi.load('libbpf.so.1');
const libc = koffi.load('libc.so.6');

export type Handle = bigint & { readonly brand: 'bpf_object' | 'bpf_map' | 'bpf_program' };
type Bytes = Uint8Array | null;

export const objectOpen = lib.func('void *bpf_object__open_file(const char *path, const void *options)') as (
  path: string,
  options: Bytes,
) => Handle | null;
export const objectLoad = lib.func('int bpf_object__load(void *object)') as (object: Handle) => number;
export const objectClose = lib.func('void bpf_object__close(void *object)') as (object: Handle) => void;
export const findMap = lib.func('void *bpf_object__find_map_by_name(void *object, const char *name)') as (
  object: Handle,
  name: string,
) => Handle | null;
export const findProgram = lib.func('void *bpf_object__find_program_by_name(void *object, const char *name)') as (
  object: Handle,
  name: string,
) => Handle | null;
export const mapFd = lib.func('int bpf_map__fd(void *map)') as (map: Handle) => number;
export const mapReuseFd = lib.func('int bpf_map__reuse_fd(void *map, int fd)') as (map: Handle, fd: number) => number;
export const mapSetValueSize = lib.func('int bpf_map__set_value_size(void *map, uint size)') as (
  map: Handle,
  size: number,
) => number;
export const mapSetMaxEntries = lib.func('int bpf_map__set_max_entries(void *map, uint count)') as (
  map: Handle,
  count: number,
) => number;
const mapNumber = (what: string) => lib.func(`uint bpf_map__${what}(void *map)`) as (map: Handle) => number;
export const mapType = mapNumber('type');
export const mapKeySize = mapNumber('key_size');
export const mapValueSize = mapNumber('value_size');
export const mapMaxEntries = mapNumber('max_entries');
export const mapFlags = mapNumber('map_flags');
export const mapName = lib.func('const char *bpf_map__name(void *map)') as (map: Handle) => string;
export const nextMap = lib.func('void *bpf_object__next_map(void *object, void *previous)') as (
  object: Handle,
  previous: Handle | null,
) => Handle | null;
const mapInitialValueRaw = lib.func('uintptr_t bpf_map__initial_value(void *map, _Out_ size_t *size)');
export const programFd = lib.func('int bpf_program__fd(void *program)') as (program: Handle) => number;

export const pin = lib.func('int bpf_obj_pin(int fd, const char *path)') as (fd: number, path: string) => number;
export const getPinned = lib.func('int bpf_obj_get(const char *path)') as (path: string) => number;
const infoRaw = lib.func('int bpf_obj_get_info_by_fd(int fd, void *info, _Inout_ uint *length)');
export const linkCreate = lib.func('int bpf_link_create(int program, int target, int type, const void *options)') as (
  program: number,
  target: number,
  type: number,
  options: Bytes,
) => number;
export const tracepointOpen = lib.func('int bpf_raw_tracepoint_open(const char *name, int program)') as (
  name: string | null,
  program: number,
) => number;
export const progQuery = lib.func(
  'int bpf_prog_query(int target, int type, uint flags, void *attachFlags, void *ids, void *count)',
) as (
  target: number,
  type: number,
  flags: number,
  attachFlags: null,
  ids: Uint32Array | null,
  count: Uint32Array,
) => number;
export const linkUpdate = lib.func('int bpf_link_update(int link, int program, const void *options)') as (
  link: number,
  program: number,
  options: Bytes,
) => number;
export const linkDetach = lib.func('int bpf_link_detach(int link)') as (link: number) => number;
export const testRun = lib.func('int bpf_prog_test_run_opts(int program, void *options)') as (
  program: number,
  options: Uint8Array,
) => number;
export const possibleCpus = lib.func('int libbpf_num_possible_cpus()') as () => number;

export const lookupElement = lib.func('int bpf_map_lookup_elem(int fd, const void *key, void *value)') as (
  fd: number,
  key: Uint8Array,
  value: Uint8Array,
) => number;
export const updateElement = lib.func(
  'int bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags)',
) as (fd: number, key: Uint8Array, value: Uint8Array, flags: number) => number;
export const deleteElement = lib.func('int bpf_map_delete_elem(int fd, const void *key)') as (
  fd: number,
  key: Uint8Array,
) => number;
export const nextKey = lib.func('int bpf_map_get_next_key(int fd, const void *key, void *next)') as (
  fd: number,
  key: Bytes,
  next: Uint8Array,
) => number;
const lookupBatchRaw = lib.func(
  'int bpf_map_lookup_batch(int fd, void *from, void *to, void *keys, void *values, _Inout_ uint *count, void *options)',
);
const deleteBatchRaw = lib.func(
  'int bpf_map_delete_batch(int fd, const void *keys, _Inout_ uint *count, void *options)',
);
const updateBatchRaw = lib.func(
  'int bpf_map_update_batch(int fd, const void *keys, const void *values, _Inout_ uint *count, void *options)',
);

/** Memory that becomes `.rodata`: written before the load, never touched after it. */
export function mapInitialValue(map: Handle): DataView | undefined {
  const size: [number | bigint] = [0];
  const address = mapInitialValueRaw(map, size) as number | bigint;
  return Number(address) === 0 ? undefined : new DataView(koffi.view(BigInt(address), Number(size[0])));
}

/** Fills `info` as far as the kernel knows it. @returns 0 or a negative errno. */
export function objectInfo(fd: number, info: Uint8Array): number {
  return infoRaw(fd, info, [info.length]) as number;
}

/** @returns the number of elements read, and a negative errno or 0; -ENOENT means that these were the last. */
export function lookupBatch(
  fd: number,
  from: Bytes,
  to: Uint8Array,
  keys: Uint8Array,
  values: Uint8Array,
  count: number,
): { readonly count: number; readonly result: number } {
  const inOut: [number] = [count];
  const result = lookupBatchRaw(fd, from, to, keys, values, inOut, null) as number;
  return { count: inOut[0], result };
}

export function updateBatch(fd: number, keys: Uint8Array, values: Uint8Array, count: number): number {
  return updateBatchRaw(fd, keys, values, [count], null) as number;
}

export function deleteBatch(fd: number, keys: Uint8Array, count: number): number {
  return deleteBatchRaw(fd, keys, [count], null) as number;
}

/** Address of a buffer, for the pointers inside option structures. Keep the buffer referenced during the call. */
export function addressOf(buffer: Uint8Array): bigint {
  return BigInt(koffi.address(buffer));
}

/** A view of foreign memory; the caller answers for its lifetime. */
export function viewMemory(address: bigint, length: number): ArrayBuffer {
  return koffi.view(address, length);
}

const printType = koffi.proto('int print(int level, void *format, void *arguments)');
const setPrint = lib.func('void *libbpf_set_print(void *print)');
const vsnprintf = libc.func('int vsnprintf(void *out, size_t size, void *format, void *arguments)');

/** Runs `work` with libbpf's messages collected instead of printed. They are handed to `failed` when it throws. */
export function withLog<T>(work: (log: () => string) => T): T {
  const lines: string[] = [];
  const buffer = Buffer.alloc(1 << 16);
  const callback = koffi.register((level: number, format: unknown, args: unknown): number => {
    if (level > 1) return 0;
    const length = vsnprintf(buffer, buffer.length, format, args) as number;
    lines.push(buffer.toString('utf8', 0, Math.max(0, Math.min(length, buffer.length - 1))));
    return length;
  }, koffi.pointer(printType));
  const previous = setPrint(callback);
  try {
    return work(() => lines.join(''));
  } finally {
    setPrint(previous);
    koffi.unregister(callback);
  }
}
