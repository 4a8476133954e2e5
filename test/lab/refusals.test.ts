/** What Headrace refuses to do, it refuses with a message that tells why and what to do, and it changes nothing. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { maps } from '../../controlplane/bpf/generated/headrace.ts';
import { BpfMap, BpfObject, XdpLink } from '../../controlplane/bpf/index.ts';
import { sizeMaps } from '../../controlplane/dataplane/index.ts';
import { Headrace, headrace, Lab, minimalConfig, type RoutedPair, routedPair } from './library/index.ts';
import { headraceProgram, repository } from './library/repository.ts';

describe('a start that cannot be', () => {
  let lab: Lab;
  let pair: RoutedPair;

  beforeEach(() => {
    lab = new Lab('refusals');
    pair = routedPair(lab);
  });
  afterEach(() => lab?.cleanup());

  const programOn = (ifname: string): number | undefined => pair.box.link(ifname).xdp?.prog?.id;

  it('points at the place of a mistake in the configuration', async () => {
    const box = new Headrace(pair.box, 'version: 1\ndataplane:\n  interfaces:\n    - mtach: "p*"\n');
    const process = box.launch();
    expect(await process.exited).toBe(2);
    expect(process.stderr).toMatch(/headrace-box\.yaml:4:\d+/);
    expect(process.stderr).toContain('mtach');
    expect(box.cli('check', '-c', box.configFile).status).toBe(2);
    expect(programOn('p0')).toBeUndefined();
    expect(existsSync(box.pins)).toBe(false);
  });

  it('names an interface that is missing', async () => {
    const box = new Headrace(pair.box, {
      version: 1,
      dataplane: { interfaces: [{ match: 'p0' }, { match: 'absent0' }] },
    });
    const process = box.launch();
    expect(await process.exited).not.toBe(0);
    expect(process.stderr).toContain('absent0');
    expect(programOn('p0')).toBeUndefined();
  });

  it('leaves another XDP program alone', async () => {
    using other = BpfObject.open(path.join(repository, 'build/xdp/headrace.bpf.o'));
    sizeMaps(other, {});
    other.load();
    const p1 = pair.box.ifindex('p1');
    using link = pair.box.inNamespace(() => XdpLink.attach(other.program('headrace_xdp'), p1, 'native'));
    const box = new Headrace(pair.box, minimalConfig);
    const process = box.launch();
    expect(await process.exited).toBe(1);
    expect(process.stderr).toMatch(/p1/);
    expect(process.stderr).toMatch(/another|already|other/i);
    expect(programOn('p1')).toBe(link.info().programId);
    expect(programOn('p0')).toBeUndefined();
    expect(box.pinnedLinks()).toEqual([]);
  });

  it('does not adopt pins of another layout', async () => {
    const box = await headrace(pair.box, minimalConfig);
    await box.stop();
    const before = programOn('p0');
    {
      using layout = BpfMap.openPinned(`${box.pins}/maps/layout`, maps.layout);
      layout.set(0, { ...layout.get(0)!, hash: 1n });
    }
    const process = box.launch();
    expect(await process.exited).toBe(1);
    expect(process.stderr).toMatch(/layout/);
    expect(process.stderr).toMatch(/detach/);
    expect(programOn('p0')).toBe(before);
    expect(box.detach().status).toBe(0);
    await box.start();
    expect(programOn('p0')).toBeDefined();
  });

  it('says which privileges are missing', async () => {
    const box = new Headrace(pair.box, minimalConfig);
    const bare = ['setpriv', '--inh-caps=-all', '--bounding-set=-all', process.execPath, headraceProgram];
    const run = await pair.box.run([...bare, 'run', '-c', box.configFile, '--instance', 'box'], {
      env: { HEADRACE_RUN_DIR: pair.box.runDirectory },
    });
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/root|CAP_/);
    expect(programOn('p0')).toBeUndefined();
  });
});
