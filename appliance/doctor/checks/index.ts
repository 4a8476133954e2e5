/** Every check, in the order a person would look. */
import type { Check } from '../check.ts';
import { clock } from './clock.ts';
import { daemon } from './daemon.ts';
import { egress } from './egress.ts';
import { firewall } from './firewall.ts';
import { forwarding } from './forwarding.ts';
import { governor } from './governor.ts';
import { interrupts } from './interrupts.ts';
import { jit } from './jit.ts';
import { kernel } from './kernel.ts';
import { memory } from './memory.ts';
import { mitigations } from './mitigations.ts';
import { mtu } from './mtu.ts';
import { multipath } from './multipath.ts';
import { neighborTable } from './neighbor-table.ts';
import { offloads } from './offloads.ts';
import { otherPrograms } from './other-programs.ts';
import { pins } from './pins.ts';
import { queues } from './queues.ts';
import { reversePath } from './reverse-path.ts';
import { rings } from './rings.ts';
import { routeMtu } from './route-mtu.ts';
import { routeTables } from './route-tables.ts';
import { rps } from './rps.ts';
import { xdpMode } from './xdp-mode.ts';

export const checks: readonly Check[] = [
  daemon,
  kernel,
  forwarding,
  xdpMode,
  otherPrograms,
  egress,
  queues,
  rings,
  offloads,
  mtu,
  interrupts,
  rps,
  firewall,
  reversePath,
  multipath,
  routeMtu,
  neighborTable,
  routeTables,
  memory,
  pins,
  jit,
  mitigations,
  governor,
  clock,
];
