/**
 * Rings are swapped all the time while packets pass: each packet goes to the backend from before the swap or from after
 * it, and never anywhere else, whatever stands in the places that were given up.
 */
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from '../../lab/library/repository.ts';
import { packet } from '../packets/packet.ts';
import { tcp, tcpFlag } from '../packets/transport.ts';
import { BalancerBox, TCP } from './box.ts';
import { type HammerData, NOBODY, OWNERS, ownerOf, SECOND, word } from './ring-hammer.ts';

const VIP = '192.0.2.100';
const SWAPS = 1000;
const PACKETS = 3000;

describe('rings under the hammer', () => {
  let box: BalancerBox;
  let worker: Worker;
  const words = new Int32Array(new SharedArrayBuffer(12));

  beforeAll(async () => {
    box = new BalancerBox();
    box.vip(1, VIP);
    box.service({ number: 10, address: VIP, port: 80, protocol: TCP, ring: 1 });
    box.service({ number: 11, address: VIP, port: 81, protocol: TCP, ring: 2 });
    const numbers = [...Array.from({ length: OWNERS }, (_, i) => i + 1), SECOND, NOBODY];
    for (const number of numbers)
      box.backend({ number, address: `10.0.2.${number}`, destination: Uint8Array.of(2, 0, 0, 0, 9, number) });
    const file = `${repository}/dist/test/dataplane/balancer/ring-hammer.js`;
    if (!existsSync(file)) throw new Error(`start the hammer: ${file} is not there; build first`);
    const data: HammerData = {
      tables: box.maps.lbTables!.fd,
      shared: words.buffer as SharedArrayBuffer,
    };
    worker = new Worker(file, { workerData: data });
    await new Promise<void>((resolve, reject) => {
      worker.once('message', () => resolve());
      worker.once('error', reject);
    });
  });
  afterAll(async () => {
    Atomics.store(words, word.stop, 1);
    Atomics.notify(words, word.stop);
    await worker?.terminate();
    box?.close();
  });

  /** The backend a packet goes to, or why it goes nowhere. */
  const send = (sourcePort: number, destinationPort: number): number | string => {
    const flags = sourcePort % 3 === 0 ? tcpFlag.SYN : tcpFlag.ACK;
    const payload = tcp({ sourcePort, destinationPort, flags });
    const { reason, frame } = box.send(packet({ source: '203.0.113.9', destination: VIP, payload }));
    return reason === 'balanced' ? frame[5]! : reason;
  };

  it('send every packet to the old backend or the new one', () => {
    const wrong: unknown[] = [];
    let during = 0;
    for (let n = 0; (n < PACKETS || Atomics.load(words, word.done) < SWAPS) && wrong.length === 0; n++) {
      const before = Atomics.load(words, word.done);
      const backend = send(1024 + (n % 60_000), 80);
      const after = Atomics.load(words, word.begun);
      if (after > before) during++;
      const allowed = Array.from({ length: after - before + 1 }, (_, i) => ownerOf(before + i));
      if (!allowed.includes(backend as number)) wrong.push({ backend, before, after });
      const other = send(1024 + (n % 60_000), 81);
      if (other !== SECOND) wrong.push({ other, before, after });
    }
    expect(wrong).toEqual([]);
    // Some were under way while a ring was swapped, else this shows nothing.
    expect(during).toBeGreaterThan(0);
    expect(box.flows()).toEqual([]);
  }, 60_000);
});
