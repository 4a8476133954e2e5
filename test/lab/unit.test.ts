/**
 * Run as its systemd unit runs it: the daemon has a user and capabilities that can do little, and forwards all the same
 * at full speed, because a loader with one capability more has loaded the programs.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ends, Headrace, Lab, minimalConfig, type RoutedPair, routedPair, Stream, until } from './library/index.ts';
import { capabilitiesOf, unitCommand, unitUser } from './library/unit.ts';

/** Numbers of linux/capability.h. */
const bits: Readonly<Record<string, number>> = { CAP_NET_ADMIN: 12, CAP_PERFMON: 38, CAP_BPF: 39 };

describe('Headrace as its systemd unit runs it', () => {
  let lab: Lab;
  let pair: RoutedPair;
  let box: Headrace;

  beforeAll(async () => {
    lab = new Lab('unit');
    pair = routedPair(lab);
    box = new Headrace(pair.box, minimalConfig, { as: 'unit' });
    await box.start();
  });
  afterAll(() => lab?.cleanup());

  const notes = (): string[] => box.status<{ notes: string[] }>().notes;
  const variants = (): string[] => readdirSync(`${box.pins}/programs`);

  it('has the user and the capabilities of the unit file, and no way to more', () => {
    const status = readFileSync(`/proc/${box.process.pid}/status`, 'utf8');
    const field = (name: string): string => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)?.[1] ?? '';
    expect(field('Uid')).toBe(String(unitUser));
    expect(field('NoNewPrivs')).toBe('1');
    const wanted = capabilitiesOf('headrace').reduce((sum, name) => sum | (1n << BigInt(bits[name]!)), 0n);
    for (const set of ['CapEff', 'CapPrm', 'CapBnd', 'CapAmb'])
      expect([set, BigInt(`0x${field(set)}`)]).toEqual([set, wanted]);
    expect(capabilitiesOf('headrace-load').filter((name) => !capabilitiesOf('headrace').includes(name))).toEqual([
      'CAP_PERFMON',
    ]);
  });

  it('forwards both families by the programs that were loaded for it', async () => {
    expect(notes()).toEqual([]);
    const both = (count: number): Promise<unknown[]> =>
      Promise.all(
        ([4, 6] as const).map(async (family) => {
          const path = { ...ends[family], count, port: 9000 + family };
          return (await Stream.start(pair.client, pair.server, path)).finished();
        }),
      );
    await both(5); // resolves the neighbors
    const before = box.packets({ verdict: 'redirect' });
    expect(await both(200)).toMatchObject([{ received: 200 }, { received: 200 }]);
    expect(box.packets({ verdict: 'redirect' }) - before).toBeGreaterThanOrEqual(400);
  });

  it('keeps its pins where nobody else can reach them', () => {
    for (const path of [box.pins, `${box.pins}/maps/ports`, `${box.pins}/links/${box.pinnedLinks()[0]}`]) {
      expect(statSync(path).uid).toBe(unitUser);
      expect(statSync(path).mode & 0o077).toBe(0);
    }
    expect(statSync(`${pair.box.runDirectory}/bpf`).mode & 0o077).toBe(0);
  });

  it('loads for itself when nobody did, and says what that costs', async () => {
    const [loaded] = variants();
    await box.stop();
    // What another build would leave: programs of other ingredients.
    pair.box.exec(['mv', `${box.pins}/programs/${loaded}`, `${box.pins}/programs/0000000000000000`]);
    await box.launch().line(/^ready\b/, { timeoutMs: 30_000 });
    expect(notes()).toEqual([expect.stringContaining('CAP_PERFMON')]);
    const stream = await Stream.start(pair.client, pair.server, { ...ends[4], count: 100 });
    expect(await stream.finished()).toMatchObject({ received: 100, lost: 0 });
    process.kill(box.status<{ pid: number }>().pid, 'SIGTERM');
    await until('the daemon to end', () => !box.status<{ running: boolean }>().running);
    box.load();
    expect(variants()).toContain(loaded);
    await box.start();
    expect(notes()).toEqual([]);
  });

  it('loads the programs of the file there is, and refuses one that is wrong', () => {
    box.configure('version: 1\ndataplane:\n  interfaces:\n    - mtach: "p*"\n');
    const before = variants();
    const words = ['load', '--instance', box.instance, '-c', box.configFile];
    const env = { HEADRACE_RUN_DIR: pair.box.runDirectory };
    const wrong = pair.box.exec(unitCommand(pair.box, 'headrace-load', words), { env, mayFail: true });
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('mtach');
    box.configure(minimalConfig);
    // The daemon's own capabilities do not do: it would load what it can load itself.
    const poor = pair.box.exec(unitCommand(pair.box, 'headrace', words), { env, mayFail: true });
    expect(poor.status).toBe(1);
    expect(poor.stderr).toContain('CAP_PERFMON');
    expect(variants()).toEqual(before);
  });

  it('is taken down by detach, programs and all', async () => {
    const detach = box.detach();
    expect(detach, detach.stderr).toMatchObject({ status: 0 });
    expect(pair.box.link('p0').xdp).toBeUndefined();
    expect(existsSync(box.pins)).toBe(false);
  });
});
