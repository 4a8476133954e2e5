/**
 * Packets that are lost after the verdict, by a daemon that may not load what counts them: the far end of a veth stops
 * taking XDP frames while nobody follows, so that redirects to it fail in the driver.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DaemonStatus } from '../../appliance/daemon/status.ts';
import {
  ends,
  type Headrace,
  headrace,
  Lab,
  minimalConfig,
  type RoutedPair,
  routedPair,
  Stream,
  until,
} from './library/index.ts';

let lab: Lab;
let pair: RoutedPair;
let box: Headrace;
let other: Headrace;
let stream: Stream;
beforeAll(async () => {
  lab = new Lab('losses');
  pair = routedPair(lab);
  // Somebody else's box, whose interfaces may bear the same numbers.
  pair.client.ip('link add p0 type veth peer name p1');
  pair.client.ip('link set p0 up');
  pair.client.ip('link set p1 up');
  // Its loader keeps this process waiting, which must not be counted against the others.
  box = await headrace(pair.box, minimalConfig, { as: 'unit' });
  [other, stream] = await Promise.all([
    headrace(pair.client, minimalConfig),
    Stream.start(pair.client, pair.server, { ...ends[4], rate: 500 }),
  ]);
});
afterAll(async () => {
  await stream?.stop();
  lab?.cleanup();
});

/** Since 6.3 the kernel knows of the far end and refuses before the driver would. */
const expected = new Set(['no_xdp_transmit', 'no_receiver']);
/** Of p1: for the causes expected here, and for all others. */
const lost = (on: Headrace): { expected: number; other: number } => {
  const lines = on.metrics().matchAll(/^headrace_transmit_errors_total\{interface="p1",cause="(\w+)"\} (\d+)$/gm);
  const sums = { expected: 0, other: 0 };
  let causes = 0;
  for (const [, cause = '', packets] of lines) {
    sums[expected.has(cause) ? 'expected' : 'other'] += Number(packets);
    causes++;
  }
  expect(causes).toBe(7);
  return sums;
};
const told = async (): Promise<readonly string[]> => {
  const { problems, notes } = await box.ask<DaemonStatus>('/status');
  return [...problems, ...notes].filter((text) => text.includes('are lost'));
};
const forwards = async (): Promise<void> => {
  const before = box.packets({ interface: 'p0', verdict: 'redirect' });
  await until('XDP to forward', () => box.packets({ interface: 'p0', verdict: 'redirect' }) > before + 20);
};

it('are counted by egress and cause, told of, and go on being counted without the daemon', async () => {
  await forwards();
  expect(box.metrics()).toMatch(/^headrace_transmit_errors_counted 1$/m);
  expect(lost(box)).toEqual({ expected: 0, other: 0 });
  expect(await told()).toEqual([]);

  // Nobody takes p1 out of the ports that transmit.
  process.kill(box.process.pid, 'SIGSTOP');
  pair.server.exec(['ethtool', '-K', 's0', 'gro', 'off']);
  await new Promise((resolve) => setTimeout(resolve, 500));
  pair.server.exec(['ethtool', '-K', 's0', 'gro', 'on']);
  process.kill(box.process.pid, 'SIGCONT');
  const first = lost(box);
  expect(first.expected).toBeGreaterThan(10);
  expect(first.other).toBe(0);
  await until('the loss to be told of', async () => (await told()).length > 0, { timeoutMs: 30_000 });
  expect(await told()).toEqual([expect.stringMatching(/by p1 are lost \(no_/)]);

  // The counters outlive the daemon, and count meanwhile.
  await forwards();
  await box.kill();
  pair.server.exec(['ethtool', '-K', 's0', 'gro', 'off']);
  await new Promise((resolve) => setTimeout(resolve, 200));
  pair.server.exec(['ethtool', '-K', 's0', 'gro', 'on']);
  await box.start();
  expect(lost(box).expected).toBeGreaterThan(first.expected);
  expect(lost(other)).toEqual({ expected: 0, other: 0 });
  await forwards();
});

it('are no longer counted once the box is detached', async () => {
  const there = (id: number): boolean =>
    pair.box.exec(['bpftool', 'prog', 'show', 'id', String(id)], { mayFail: true }).status === 0;
  const [own, others] = [programsOf(box), programsOf(other)];
  expect([...own, ...others].every(there)).toBe(true);
  expect(own.length).toBe(3);
  box.detach();
  await until('the programs to be gone', () => !own.some(there));
  expect(others.every(there)).toBe(true);
});

/** Numbers of the programs that count for a box. */
function programsOf({ pins }: Headrace): number[] {
  const files = readdirSync(`${pins}/losses`, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => path.basename(file).startsWith('program-'))
    .map(
      (file) =>
        JSON.parse(pair.box.exec(['bpftool', '-j', 'prog', 'show', 'pinned', `${pins}/losses/${file}`]).stdout).id,
    );
}
