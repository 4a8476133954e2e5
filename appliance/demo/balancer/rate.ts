/**
 * How many packets of a service a second the box can pass on: UDP of ten thousand flows, as fast as the kernel makes them,
 * to sinks in the servers' place. Generator, box and sinks share one CPU, so nothing is lost to full queues.
 */

import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { runOnCpus } from '../../../controlplane/bpf/libc.ts';
import { Flood } from '../../../test/bench/flood.ts';
import { PORT, vip4 } from '../../../test/lab/balancer/farm.ts';
import type { Rate } from '../rate.ts';
import type { Site } from './site.ts';

const PACKETS = 60_000;
const FLOWS = 10_000;
const UDP = 17;

/** The best of some rounds. While it runs, servers answer nobody. */
export async function measureRate({ farm }: Site, rounds = 5): Promise<Rate> {
  const { client, box } = farm;
  const neighbors = [...farm.servers].map(
    ([name, host], i) => `${farm.address(name)} lladdr ${host.mac('s0')} dev p${i + 1}`,
  );
  using flood = new Flood();
  const sinks = [...farm.servers.values()].map((host) => flood.sink(host, 's0'));
  try {
    for (const neighbor of neighbors) box.ip(`neighbor replace ${neighbor} nud permanent`);
    const spec = {
      ...{ from: client, device: 'c0', to: box.mac('p0'), source: '10.0.1.2', destination: vip4 },
      ...{ port: PORT, protocol: UDP, flows: FLOWS },
    };
    let packetsPerSecond = 0;
    let received = 0;
    for (let round = 0; round <= rounds; round++) {
      const before = flood.delivered;
      runOnCpus([0]);
      const each = flood.send(spec, PACKETS);
      runOnCpus(os.cpus().map((_, cpu) => cpu));
      await delay(50);
      if (round === 0) continue; // every flow is new
      const arrived = flood.delivered - before;
      received += arrived;
      packetsPerSecond = Math.max(packetsPerSecond, (arrived / PACKETS / each) * 1e9);
    }
    return { packetsPerSecond: Math.round(packetsPerSecond), sent: rounds * PACKETS, received };
  } finally {
    for (const neighbor of neighbors) box.ip(`neighbor replace ${neighbor} nud reachable`);
    for (const sink of sinks) sink.close();
  }
}
