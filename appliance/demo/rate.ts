/**
 * How many packets per second the box can forward: the kernel's live-frame generator feeds it as fast as it takes them,
 * and a counting sink tells how many came through. Generator, box and sink share one CPU, so nothing is lost to full
 * queues and the rates with and without Headrace compare.
 */
import os from 'node:os';
import path from 'node:path';
import { maps } from '../../controlplane/bpf/generated/bench.ts';
import { BpfObject, XdpLink } from '../../controlplane/bpf/index.ts';
import { runOnCpus } from '../../controlplane/bpf/libc.ts';
import { repository } from '../../test/lab/library/repository.ts';
import type { Internet } from './internet.ts';

const FRAME = new Uint8Array(60);
const PACKETS_PER_ROUND = 60_000;

/** What the box forwarded of a flood. */
export interface Rate {
  /** Packets per second that reached the sink, the best round. */
  readonly packetsPerSecond: number;
  readonly sent: number;
  readonly received: number;
}

/** Generator and sink, attached until disposed. */
export class RateMeter implements Disposable {
  readonly #internet: Internet;
  readonly #object: BpfObject;
  readonly #stack = new DisposableStackLike();
  readonly #source: number;

  constructor(internet: Internet) {
    this.#internet = internet;
    this.#source = internet.generator.ifindex('g0');
    this.#object = BpfObject.open(path.join(repository, 'build/xdp/bench.bpf.o'));
    this.#stack.add(this.#object);
    try {
      this.#object.setConstants({
        source_address: network([192, 0, 2, 2]),
        router_mac: mac(internet.box.mac('p2')),
        generator_mac: mac(internet.generator.mac('g0')),
      });
      this.#object.load();
      const destinations = this.#stack.add(this.#object.map(maps.destinations));
      destinations.set(0, BigInt(network([203, 0, 113, 7])));
      const sink = internet.sink.ifindex('s0');
      const program = this.#stack.add(this.#object.program('sink'));
      this.#stack.add(internet.sink.inNamespace(() => XdpLink.attach(program, sink, 'native')));
    } catch (error) {
      this.#stack.dispose();
      throw error;
    }
  }

  /** Floods the box in `rounds` of a tenth of a second or so, each blocking this process. */
  async measure(rounds = 5): Promise<Rate> {
    const generator = this.#object.program('generator');
    try {
      let packetsPerSecond = 0;
      let sent = 0;
      let received = 0;
      for (let round = 0; round <= rounds; round++) {
        const before = this.#received();
        runOnCpus([0]);
        const { durationNs } = this.#internet.generator.inNamespace(() =>
          generator.testRun({
            data: FRAME,
            ingressIfindex: this.#source,
            repeat: PACKETS_PER_ROUND,
            live: { batch: 64 },
          }),
        );
        runOnCpus(os.cpus().map((_, cpu) => cpu));
        const delivered = await this.#settled(before);
        if (round === 0) continue; // warms caches and page pools up
        sent += PACKETS_PER_ROUND;
        received += delivered;
        packetsPerSecond = Math.max(packetsPerSecond, (delivered * 1e9) / (durationNs * PACKETS_PER_ROUND));
      }
      return { packetsPerSecond: Math.round(packetsPerSecond), sent, received };
    } finally {
      generator.close();
    }
  }

  #received(): number {
    using received = this.#object.map(maps.received);
    return Number(received.getPerCpu(0)?.reduce((sum, count) => sum + count, 0n) ?? 0n);
  }

  /** Packets received since `before`, once no more come. */
  async #settled(before: number): Promise<number> {
    for (let last = -1, now = this.#received(); ; last = now, now = this.#received()) {
      if (last === now) return now - before;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}

/** Disposes in reverse order; DisposableStack itself is younger than the oldest Node.js supported. */
class DisposableStackLike {
  #items: Disposable[] = [];

  add<T extends Disposable>(item: T): T {
    this.#items.push(item);
    return item;
  }

  dispose(): void {
    for (const item of this.#items.splice(0).reverse()) item[Symbol.dispose]();
  }
}

/** An address in network byte order, as the little-endian number that lies in memory. */
function network(bytes: readonly number[]): number {
  return Buffer.from(bytes).readUInt32LE(0);
}

function mac(text: string): bigint {
  return Buffer.concat([Buffer.from(text.replaceAll(':', ''), 'hex'), Buffer.alloc(2)]).readBigUInt64LE(0);
}
