/** A reload does all the file says, or nothing: the packet path is never between two configurations. */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BpfObject, XdpLink } from '../../controlplane/bpf/index.ts';
import { sizeMaps } from '../../controlplane/dataplane/index.ts';
import { type Headrace, headrace, Lab, type RoutedPair, routedPair, until } from './library/index.ts';
import { repository } from './library/repository.ts';

const listening = '127.0.0.1:9469';

/** A configuration with ports of these names. */
function config(names: readonly string[], listen = listening): object {
  return { version: 1, dataplane: { interfaces: names.map((match) => ({ match })) }, metrics: { listen } };
}

describe('a reload', () => {
  let lab: Lab;
  let pair: RoutedPair;
  let box: Headrace;

  beforeAll(async () => {
    lab = new Lab('reload');
    pair = routedPair(lab);
    lab.link(pair.box, 'p2', pair.client, 'c2');
    box = await headrace(pair.box, config(['p0']));
  });
  afterAll(() => lab?.cleanup());

  const programOn = (ifname: string): number | undefined => pair.box.link(ifname).xdp?.prog?.id;
  const reloads = (result: string): number =>
    Number(new RegExp(`^headrace_config_reloads_total\\{result="${result}"\\} (\\d+)$`, 'm').exec(box.metrics())?.[1]);
  const said = (pattern: RegExp): Promise<unknown> =>
    until(`the daemon to say ${pattern}`, () => pattern.test(box.process.stderr));
  /** Rewrites the file, sends SIGHUP, and waits until the daemon has counted one more of `result`. */
  const reload = async (text: string | object, result: 'success' | 'failure'): Promise<void> => {
    const before = reloads(result);
    box.configure(text);
    process.kill(box.process.pid, 'SIGHUP');
    await until(`the reload to be a ${result}`, () => reloads(result) === before + 1);
  };

  it('attaches an interface the file names now', async () => {
    const program = programOn('p0');
    expect(programOn('p1')).toBeUndefined();
    await reload(config(['p0', 'p1']), 'success');
    expect(programOn('p0')).toBe(program);
    expect(programOn('p1')).toBe(program);
  });

  it('changes nothing for a file that does not validate', async () => {
    await reload('version: 1\ndataplane:\n  interfaces:\n    - mtach: "p*"\n', 'failure');
    await said(/mtach/);
    expect(programOn('p1')).toBeDefined();
    expect(box.pinnedLinks()).toHaveLength(2);
  });

  it('changes nothing when an interface is missing', async () => {
    await reload(config(['p2', 'absent0']), 'failure');
    await said(/absent0/);
    expect(programOn('p1')).toBeDefined();
    expect(programOn('p2')).toBeUndefined();
  });

  it('changes nothing when another program is on a new interface', async () => {
    using other = BpfObject.open(path.join(repository, 'build/xdp/headrace.bpf.o'));
    sizeMaps(other, {});
    other.load();
    const p2 = pair.box.ifindex('p2');
    using link = pair.box.inNamespace(() => XdpLink.attach(other.program('headrace_xdp'), p2, 'native'));
    await reload(config(['p2']), 'failure');
    await said(/another XDP program is attached to p2/);
    expect(programOn('p0')).toBeDefined();
    expect(programOn('p2')).toBe(link.info().programId);
    link.detach();
  });

  it('undoes what it attached when another interface cannot be', async () => {
    // The loopback interface is refused where interfaces are attached, and every kernel has one.
    await reload(config(['p2', 'lo']), 'failure');
    await said(/lo: the loopback interface/);
    expect(programOn('p2')).toBeUndefined();
    expect(programOn('p1')).toBeDefined();
    expect(box.pinnedLinks()).toHaveLength(2);
  });

  it('moves the metrics, and stays where it is when it cannot', async () => {
    await reload(config(['p0', 'p1'], '192.0.2.1:9469'), 'failure');
    await said(/cannot listen on 192\.0\.2\.1:9469/);
    box.configure(config(['p0', 'p1'], '127.0.0.1:9479'));
    process.kill(box.process.pid, 'SIGHUP');
    const curl = (port: number) =>
      pair.box.exec(['curl', '-fsS', '--max-time', '5', `http://127.0.0.1:${port}/metrics`], { mayFail: true });
    await until('metrics on the new port', () => curl(9479).status === 0);
    await until('the old port to be closed', () => curl(9469).status !== 0);
    expect(box.status<{ metrics: string }>().metrics).toBe('127.0.0.1:9479');
  });

  it('detaches an interface the file names no more', async () => {
    box.configure(config(['p0']));
    process.kill(box.process.pid, 'SIGHUP');
    await until('p1 to be detached', () => programOn('p1') === undefined);
    expect(programOn('p0')).toBeDefined();
  });

  it('notes that the kernel does not forward, as long as it does not', async () => {
    const notes = (): string[] => box.status<{ notes: string[] }>().notes;
    expect(notes()).toEqual([]);
    pair.box.sysctl('net.ipv4.ip_forward', 0);
    await until('the note', () => notes().some((note) => note.includes('ip_forward is 0')));
    await said(/ip_forward is 0/);
    pair.box.sysctl('net.ipv4.ip_forward', 1);
    await until('the note to go', () => notes().length === 0);
  });
});
