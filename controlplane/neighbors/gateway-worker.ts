/**
 * A thread that reads all routes of the kernel once, tells their gateways, and ends: a full table is a second of work, in
 * which the main thread has packets and checks to see to.
 */
import { parentPort } from 'node:worker_threads';
import { neighborKey, RouteNetlink } from '../netlink/index.ts';
import { GatewayNotes, gatewaysMax, type NextHop } from './gateway-notes.ts';

if (!parentPort) throw new Error('read gateways: this is a thread of the daemon');
const found = new Map<string, NextHop>();
const notes = new GatewayNotes((hop) => {
  if (found.size < gatewaysMax) found.set(neighborKey(hop), hop);
});
using netlink = RouteNetlink.open();
await netlink.routes((route) => notes.note(route));
parentPort.postMessage(found);
