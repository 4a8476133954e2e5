/** Kernels before 6.3 do not say whether a veth takes redirected frames: trying says the same as kernels that do. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Host, Lab } from './library/index.ts';
import { helperCommand } from './library/repository.ts';

let lab: Lab;
let box: Host;
let far: Host;

beforeAll(() => {
  lab = new Lab('egress');
  [box, far] = [lab.host('box'), lab.host('far')];
  lab.link(box, 'p0', far, 'f0');
});
afterAll(() => lab?.cleanup());

it.each([
  ['polls for nothing', 'true', false],
  ['has GRO switched on', 'ethtool -K f0 gro on', true],
  ['has it switched off again', 'ethtool -K f0 gro off', false],
  ['is down', 'ethtool -K f0 gro on; ip link set f0 down', false],
  ['is up again', 'ip link set f0 up', true],
])('a veth whose far end %s', (_, command, takes) => {
  far.exec(['sh', '-c', command]);
  const { p0 } = JSON.parse(box.exec([...helperCommand('egress-process'), 'p0']).stdout);
  expect(p0.tried).toBe(takes);
  // The kernel tells of the driver, whether the link is up or not.
  if (p0.told !== null && !command.includes('down')) expect(p0.told).toBe(takes);
});
