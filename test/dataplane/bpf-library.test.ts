/** The BPF library on the running kernel: everything a daemon does with programs, maps, pins and links. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import koffi from 'koffi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytes, type Codec, list, struct, text, u8, u16, u32, u64 } from '../../controlplane/bpf/codec.ts';
import { layoutHash } from '../../controlplane/bpf/generated/headrace.ts';
import {
  BpfError,
  BpfMap,
  BpfObject,
  ensureBpffs,
  inNetns,
  isBpffs,
  LayoutError,
  type MapDescriptor,
  netnsInode,
  Program,
  RingBuffer,
  VerifierError,
  XdpLink,
} from '../../controlplane/bpf/index.ts';
import { umount } from '../../controlplane/bpf/libc.ts';

interface Pair {
  readonly first: number;
  readonly second: number;
  readonly list: readonly number[];
  readonly name: string;
  readonly big: bigint;
}
const pairCodec: Codec<Pair> = struct<Pair>(32, {
  first: [0, u8],
  second: [4, u32],
  list: [8, list(3, u16)],
  name: [14, text(8)],
  big: [24, u64],
});
const pairs: MapDescriptor<number, Pair> = {
  name: 'pairs',
  type: 1,
  maxEntries: 4096,
  flags: 0,
  key: u32,
  value: pairCodec,
};
const runs: MapDescriptor<number, bigint> = { name: 'runs', type: 6, maxEntries: 16, flags: 0, key: u32, value: u64 };
const shared: MapDescriptor<number, bigint> = {
  name: 'shared',
  type: 2,
  maxEntries: 1024,
  flags: 1024,
  key: u32,
  value: u64,
};
const events: MapDescriptor<unknown, unknown> = {
  name: 'events',
  type: 27,
  maxEntries: 4096,
  flags: 0,
  key: bytes(0) as Codec<unknown>,
  value: bytes(0) as Codec<unknown>,
};

const objectPath = 'build/test/bpf-library.bpf.o';
const packet = new Uint8Array(64);
const netns = `hr-bpf-${process.pid}`;
const netnsPath = `/run/netns/${netns}`;
const directory = mkdtempSync(path.join(tmpdir(), 'headrace-bpf-'));
const bpffs = path.join(directory, 'bpf');
let ifindex = 0;

function load(constants: Record<string, number | bigint | boolean> = {}): BpfObject {
  const object = BpfObject.open(objectPath);
  object.setConstants(constants);
  object.load();
  return object;
}

const pair = (second: number): Pair => ({ first: second & 0xff, second, list: [1, 2, 3], name: `n${second}`, big: 5n });

beforeAll(() => {
  ensureBpffs(bpffs);
  execFileSync('ip', ['netns', 'add', netns]);
  execFileSync('ip', ['-n', netns, 'link', 'add', 'bpf0', 'up', 'type', 'veth', 'peer', 'name', 'bpf1']);
  const [link] = JSON.parse(execFileSync('ip', ['-n', netns, '-j', 'link', 'show', 'bpf0'], { encoding: 'utf8' }));
  ifindex = link.ifindex;
});

afterAll(() => {
  execFileSync('ip', ['netns', 'del', netns]);
  umount(bpffs, 0);
  rmSync(directory, { recursive: true });
});

describe('BpfObject', () => {
  it('setConstants() is what the program sees', () => {
    using object = load({ answer: 1, big_constant: 0x1122334455667788n });
    using program = object.program('counting');
    using map = object.map(shared);
    expect(program.testRun({ data: packet }).verdict).toBe(1);
    expect(map.get(0)).toBe(0x1122334455667788n);
  });

  it('setConstants() refuses unknown names, values that do not fit, and a loaded object', () => {
    using object = BpfObject.open(objectPath);
    expect(() => object.setConstants({ nothing: 1 })).toThrow('nothing');
    expect(() => object.setConstants({ answer: 256 })).toThrow(RangeError);
    object.load();
    expect(() => object.setConstants({ answer: 1 })).toThrow('frozen');
  });

  it('has the layout the bindings were generated from', () => {
    using object = BpfObject.open('build/xdp/headrace.bpf.o');
    expect(object.layoutHash()).toBe(layoutHash);
    using other = BpfObject.open(objectPath);
    expect(other.layoutHash()).not.toBe(layoutHash);
  });

  it('lists its maps', () => {
    using object = BpfObject.open(objectPath);
    expect(object.mapNames().sort()).toEqual(['events', 'pairs', 'runs', 'shared']);
  });

  it('reports what the verifier said', () => {
    using object = BpfObject.open('build/test/refused.bpf.o');
    const error = thrown(() => object.load());
    expect(error).toBeInstanceOf(VerifierError);
    expect((error as VerifierError).summary).toBe('R1 offset is outside of the packet');
    expect((error as VerifierError).log).toContain('PROG LOAD LOG');
  });

  it('open() says which file is missing', () => {
    const error = thrown(() => BpfObject.open('build/test/none.bpf.o'));
    expect(error).toMatchObject({ name: 'BpfError', code: 'ENOENT' });
    expect((error as BpfError).message).toContain('none.bpf.o');
  });

  it('reusePinned() takes a pinned map over with its contents, and refuses one of other sizes', () => {
    const pin = path.join(bpffs, 'shared');
    {
      using object = load();
      using map = object.map(shared);
      map.set(7, 77n);
      map.pin(pin);
    }
    {
      using object = BpfObject.open(objectPath);
      object.reusePinned('shared', pin);
      object.load();
      using map = object.map(shared);
      expect(map.get(7)).toBe(77n);
      expect(thrown(() => object.reusePinned('shared', path.join(bpffs, 'none')))).toMatchObject({ code: 'ENOENT' });
    }
    using object = BpfObject.open(objectPath);
    expect(thrown(() => object.reusePinned('runs', pin))).toBeInstanceOf(LayoutError);
    object.setMaxEntries('shared', 2048);
    expect(() => object.reusePinned('shared', pin)).toThrow('max entries is 1024, not 2048');
  });
});

describe('BpfMap', () => {
  it('sets, gets, deletes and walks', () => {
    using object = load();
    using map = object.map(pairs);
    map.set(1, pair(1));
    map.set(2, pair(2));
    expect(map.get(2)).toEqual(pair(2));
    expect(map.get(3)).toBeUndefined();
    expect(new Map(map.entries())).toEqual(new Map([1, 2].map((key) => [key, pair(key)])));
    expect(map.delete(1)).toBe(true);
    expect(map.delete(1)).toBe(false);
    expect([...map.keys()]).toEqual([2]);
  });

  it('updates, reads and deletes in batches', () => {
    using object = load();
    using map = object.map(pairs);
    const keys = Array.from({ length: 3000 }, (_, key) => key);
    map.updateBatch(keys.map((key) => [key, pair(key)]));
    expect(new Map(map.readBatch(100))).toEqual(new Map(keys.map((key) => [key, pair(key)])));
    map.deleteBatch(keys.slice(1));
    expect(map.readBatch()).toEqual([[0, pair(0)]]);
    expect(thrown(() => map.updateBatch(Array.from({ length: 5000 }, (_, key) => [key, pair(key)])))).toMatchObject({
      code: 'E2BIG',
    });
  });

  it('reads one value for each CPU', () => {
    using object = load();
    using map = object.map(runs);
    using program = object.program('counting');
    for (let i = 0; i < 5; i++) program.testRun({ data: packet });
    expect(map.getPerCpu(0)).toHaveLength(map.cpus);
    expect(map.getPerCpu(0)!.reduce((sum, value) => sum + value, 0n)).toBe(5n);
    map.set(9, 3n);
    const raw = map.readRange(8, 4);
    for (let cpu = 0; cpu < map.cpus; cpu++) expect(raw.getBigUint64((map.cpus + cpu) * 8, true)).toBe(3n);
    expect(map.readAllPerCpu().byteLength).toBe(16 * map.cpus * 8);
  });

  it('mmap() shares memory with the program, and cannot be read once closed', () => {
    using object = load({ big_constant: 3 });
    using map = object.map(shared);
    using program = object.program('counting');
    const mapped = map.mmap();
    mapped.view.setBigUint64(0, 100n, true);
    program.testRun({ data: packet });
    expect(mapped.view.getBigUint64(0, true)).toBe(103n);
    mapped.close();
    expect(() => mapped.view).toThrow('closed');
    using other = object.map(runs);
    expect(thrown(() => other.mmap())).toBeInstanceOf(BpfError);
  });

  it('openPinned() finds what was pinned', () => {
    const pin = path.join(bpffs, 'pairs');
    using object = load();
    using map = object.map(pairs);
    map.set(5, pair(5));
    map.pin(pin);
    using again = BpfMap.openPinned(pin, pairs);
    expect(again.get(5)).toEqual(pair(5));
    expect(again.info()).toMatchObject({ id: map.info().id, type: 1, keySize: 4, valueSize: 32, maxEntries: 4096 });
    map.close();
    expect(() => map.get(5)).toThrow('closed');
    expect(thrown(() => BpfMap.openPinned(pin, runs))).toBeInstanceOf(LayoutError);
    expect(thrown(() => BpfMap.openPinned(path.join(bpffs, 'none'), runs))).toMatchObject({ code: 'ENOENT' });
  });
});

describe('RingBuffer', () => {
  it('drain() gives the records in order, without the discarded ones, over many rounds of the buffer', () => {
    using object = load();
    using map = object.map(events);
    using program = object.program('counting');
    using ring = new RingBuffer(map);
    const numbers: bigint[] = [];
    // Programs may run on another CPU in between: the number is per CPU, so only count and check the length there.
    let records = 0;
    for (let round = 0; round < 300; round++) {
      program.testRun({ data: packet });
      ring.drain((record) => {
        records++;
        numbers.push(record.getBigUint64(0, true));
        expect(record.byteLength).toBe(16);
        expect(record.getUint32(8, true)).toBe(packet.length);
      });
    }
    expect(records).toBe(numbers.length);
    expect(numbers.every((number) => number % 5n !== 4n)).toBe(true);
    expect(records).toBeGreaterThanOrEqual(238);
    expect(records).toBeLessThanOrEqual(300);
  });

  it('start() is woken by the kernel', async () => {
    using object = load();
    using map = object.map(events);
    using program = object.program('counting');
    using ring = new RingBuffer(map);
    const first = new Promise<number>((resolve) => {
      ring.start((record) => resolve(record.getUint32(8, true)));
    });
    program.testRun({ data: packet });
    expect(await first).toBe(packet.length);
  });
});

describe('XdpLink', () => {
  it.each(['native', 'generic'] as const)('attaches (%s), says so, and detaches when closed', (mode) => {
    using object = load();
    using program = object.program('counting');
    inNetns(netnsPath, () => {
      using link = XdpLink.attach(program, ifindex, mode);
      expect(link.info()).toMatchObject({ ifindex, programId: program.info().id });
      expect(attached()).toEqual({ mode: mode === 'native' ? 1 : 2, id: program.info().id });
    });
    expect(attached()).toBeUndefined();
  });

  it('stays when pinned, is adopted, updated in place and detached', () => {
    const pin = path.join(bpffs, 'link');
    {
      using object = load();
      using program = object.program('counting');
      inNetns(netnsPath, () => {
        using link = XdpLink.attach(program, ifindex, 'native');
        link.pin(pin);
      });
      program.pin(path.join(bpffs, 'program'));
    }
    using pinned = Program.openPinned(path.join(bpffs, 'program'));
    expect(attached()?.id).toBe(pinned.info().id);
    using object = load();
    using program = object.program('dropping');
    using link = XdpLink.openPinned(pin);
    const { id } = link.info();
    link.update(program);
    expect(attached()?.id).toBe(program.info().id);
    expect(link.info()).toMatchObject({ id, programId: program.info().id });
    link.detach();
    expect(attached()).toBeUndefined();
    expect(link.info().ifindex).toBe(0);
    rmSync(pin);
  });

  it('refuses an interface that another program holds, and says how to see it', () => {
    using object = load();
    using program = object.program('counting');
    execFileSync('ip', ['-n', netns, 'link', 'set', 'bpf0', 'xdpdrv', 'obj', objectPath, 'program', 'dropping']);
    try {
      const error = thrown(() => inNetns(netnsPath, () => void XdpLink.attach(program, ifindex, 'native').close()));
      expect(error).toMatchObject({ code: 'EBUSY' });
      expect((error as BpfError).hint).toContain('ip -details link');
    } finally {
      execFileSync('ip', ['-n', netns, 'link', 'set', 'bpf0', 'xdpdrv', 'off']);
    }
  });

  it('refuses a second link, and a second mode', () => {
    using object = load();
    using program = object.program('counting');
    inNetns(netnsPath, () => {
      using _link = XdpLink.attach(program, ifindex, 'native');
      expect(thrown(() => XdpLink.attach(program, ifindex, 'native'))).toMatchObject({ code: 'EBUSY' });
      expect(thrown(() => XdpLink.attach(program, ifindex, 'generic'))).toMatchObject({ code: 'EEXIST' });
    });
  });

  it('says that an interface does not exist', () => {
    using object = load();
    using program = object.program('counting');
    expect(thrown(() => inNetns(netnsPath, () => void XdpLink.attach(program, 60_000, 'native')))).toMatchObject({
      code: 'EINVAL',
    });
  });
});

describe('Program.testRun()', () => {
  it('gives the packet back as the program left it', () => {
    using object = load();
    using program = object.program('dropping');
    const result = program.testRun({ data: Uint8Array.from({ length: 100 }, (_, i) => i), repeat: 3 });
    expect(result).toMatchObject({ verdict: 1 });
    expect(result.data).toEqual(Uint8Array.from({ length: 100 }, (_, i) => i));
  });

  it('has the packet come in by an interface', () => {
    using object = load();
    using program = object.program('counting');
    const verdict = inNetns(netnsPath, () => program.testRun({ data: packet, ingressIfindex: ifindex }).verdict);
    expect(verdict).toBe(2);
    expect(thrown(() => program.testRun({ data: packet, ingressIfindex: 60_000 }))).toMatchObject({ code: 'ENODEV' });
  });
});

describe('namespaces, mounts and descriptors', () => {
  it('inNetns() works there and comes back, also after an error', () => {
    const home = netnsInode();
    expect(inNetns(netnsPath, () => netnsInode())).not.toBe(home);
    expect(() =>
      inNetns(netnsPath, () => {
        throw new Error('in there');
      }),
    ).toThrow('in there');
    expect(netnsInode()).toBe(home);
    expect(thrown(() => inNetns('/etc/hostname', () => 1))).toMatchObject({ code: 'EINVAL' });
  });

  it('ensureBpffs() mounts once', () => {
    expect(isBpffs(bpffs)).toBe(true);
    expect(isBpffs(directory)).toBe(false);
    ensureBpffs(bpffs);
    expect(existsSync(bpffs)).toBe(true);
    const mounts = execFileSync('cat', ['/proc/mounts'], { encoding: 'utf8' });
    expect(mounts.split('\n').filter((line) => line.includes(` ${bpffs} `))).toHaveLength(1);
  });

  it('nothing is left open after close', () => {
    const use = (): void => {
      using object = load();
      using program = object.program('counting');
      using map = object.map(events);
      using ring = new RingBuffer(map);
      using array = object.map(shared);
      using _mapped = array.mmap();
      program.testRun({ data: packet });
      ring.drain(() => undefined);
      inNetns(netnsPath, () => void XdpLink.attach(program, ifindex, 'native').close());
      const refused = BpfObject.open('build/test/refused.bpf.o');
      expect(() => refused.load()).toThrow(VerifierError);
      refused.close();
    };
    use();
    const before = { descriptors: bpfDescriptors(), callbacks: koffi.stats().callbacks };
    for (let i = 0; i < 3; i++) use();
    expect({ descriptors: bpfDescriptors(), callbacks: koffi.stats().callbacks }).toEqual(before);
  });
});

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

function attached(): { mode: number; id: number } | undefined {
  const [link] = JSON.parse(
    execFileSync('ip', ['-n', netns, '-j', '-d', 'link', 'show', 'bpf0'], { encoding: 'utf8' }),
  );
  return link.xdp ? { mode: link.xdp.mode, id: link.xdp.prog.id } : undefined;
}

function bpfDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
