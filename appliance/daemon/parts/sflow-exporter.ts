/** Reads the tap's samples ten times a second, and sends them and the interfaces' counters to the collectors. */
import { createSocket, type Socket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { maps } from '../../../controlplane/bpf/generated/headrace.ts';
import { BpfMap, RingBuffer } from '../../../controlplane/bpf/index.ts';
import type { InstancePaths } from '../../../controlplane/dataplane/index.ts';
import { type Link, parseIp, RouteNetlink } from '../../../controlplane/netlink/index.ts';
import { readTapRecord, type Tap } from '../../../controlplane/tap/index.ts';
import { agentAddressOf, interfaceCounters, readNetDev, SflowAgent } from '../../../monitoring/index.ts';
import type { Config } from '../../config/schema/index.ts';
import { splitListen } from '../listen-address.ts';

type SflowConfig = NonNullable<Config['sflow']>;

const READ_INTERVAL_MS = 100;
/** A burst of samples is read in parts, so that nothing else waits for it. */
const RECORDS_A_READ = 2000;

export interface SflowCounts {
  samples: number;
  datagrams: number;
  errors: number;
}

export class SflowExporter {
  readonly #config: SflowConfig;
  readonly #tap: Tap;
  readonly #links: () => readonly Link[];
  readonly #counts: SflowCounts;
  readonly #sockets = new Map<4 | 6, Socket>();
  readonly #agent: SflowAgent;
  readonly #map: BpfMap<unknown, unknown>;
  readonly #ring: RingBuffer;
  readonly #timer: NodeJS.Timeout;
  #seconds = 0;

  /** The tap samples when this returns. @throws BpfError */
  constructor(config: SflowConfig, tap: Tap, paths: InstancePaths, links: () => readonly Link[], counts: SflowCounts) {
    this.#config = config;
    this.#tap = tap;
    this.#links = links;
    this.#counts = counts;
    this.#agent = new SflowAgent({
      address: agentAddress(config.agent),
      subAgent: 0,
      rate: config.sampling_rate,
      send: (datagram) => this.#send(datagram),
      uptime: () => performance.now(),
    });
    tap.sample(config.sampling_rate);
    this.#map = BpfMap.openPinned(path.join(paths.maps, maps.tapSampled.name), maps.tapSampled) as BpfMap<
      unknown,
      unknown
    >;
    this.#ring = new RingBuffer(this.#map);
    this.#timer = setInterval(() => this.#read(), READ_INTERVAL_MS);
  }

  get config(): SflowConfig {
    return this.#config;
  }

  #read(): void {
    let left = RECORDS_A_READ;
    try {
      this.#ring.drain((view) => {
        this.#counts.samples++;
        this.#agent.flow(readTapRecord(view));
        return --left > 0;
      });
      this.#agent.flush();
    } catch {
      // Of a timer: nobody above catches it. It is counted, and the next samples are read.
      this.#counts.errors++;
    }
  }

  tick(): void {
    if (++this.#seconds % this.#config.polling_seconds !== 0) return;
    for (const counters of interfaceCounters(readNetDev(), this.#links(), speedBpsOf)) this.#agent.counters(counters);
    this.#agent.flush();
  }

  #send(datagram: Buffer): void {
    for (const collector of this.#config.collectors) {
      const { host, port } = splitListen(collector);
      const family = host.includes(':') ? 6 : 4;
      let socket = this.#sockets.get(family);
      if (!socket) {
        socket = createSocket(`udp${family}`);
        socket.on('error', () => this.#counts.errors++);
        socket.unref();
        this.#sockets.set(family, socket);
      }
      socket.send(datagram, port, host, (error) => {
        if (error) this.#counts.errors++;
        else this.#counts.datagrams++;
      });
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#ring.close();
    this.#map.close();
    for (const socket of this.#sockets.values()) socket.close();
    this.#tap.sample(0);
  }
}

/** Of the driver, through sysfs: 0 where it does not tell. */
function speedBpsOf(link: Link): bigint {
  try {
    const megabits = Number(readFileSync(`/sys/class/net/${link.name}/speed`, 'utf8'));
    return megabits > 0 ? BigInt(megabits) * 1_000_000n : 0n;
  } catch {
    return 0n;
  }
}

function agentAddress(configured: string | undefined): Uint8Array {
  if (configured !== undefined) return parseIp(configured)!.bytes;
  using netlink = RouteNetlink.open();
  return agentAddressOf(netlink.addresses(), netlink.links());
}
