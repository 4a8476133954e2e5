/** A loaded program, and running it on a packet of ours (BPF_PROG_TEST_RUN) without any interface. */
import { BpfError } from './errors.ts';
import * as libbpf from './libbpf.ts';
import { close } from './libc.ts';

const EINTR = 4;

export interface TestRunOptions {
  /** The frame, from the Ethernet header on. */
  readonly data: Uint8Array;
  /** Interface it seems to come in by: one of the caller's network namespace. Default: none (ifindex 1's). */
  readonly ingressIfindex?: number;
  /** Runs, each on what the one before left. Default 1; more than one costs 20 ms of waiting. */
  readonly repeat?: number;
  /** Room for the frame that comes out, in bytes. Default 256 more than `data`. */
  readonly room?: number;
  /** Really transmit what the verdict says (BPF_F_TEST_XDP_LIVE_FRAMES); nothing comes back then. */
  readonly live?: { readonly batch: number };
}

export interface TestRunResult {
  /** enum xdp_action */
  readonly verdict: number;
  readonly data: Uint8Array;
  /** Average of a run in nanoseconds, as the kernel measured. */
  readonly durationNs: number;
}

export class Program implements Disposable {
  readonly name: string;
  #fd: number;

  /** Takes over `fd`. */
  constructor(fd: number, name: string) {
    this.#fd = fd;
    this.name = name;
  }

  static openPinned(path: string): Program {
    const fd = libbpf.getPinned(path);
    if (fd < 0) throw new BpfError(`open pinned program ${path}`, fd);
    return new Program(fd, path);
  }

  get fd(): number {
    if (this.#fd < 0) throw new Error(`use program ${this.name}: it is closed`);
    return this.#fd;
  }

  /**
   * Number and tag (hash of the instructions) that the kernel knows it by, and how often and how long it ran: zeros
   * unless the sysctl kernel.bpf_stats_enabled is on.
   */
  info(): { readonly id: number; readonly tag: string; readonly runs: bigint; readonly runNs: bigint } {
    const raw = Buffer.alloc(232);
    const result = libbpf.objectInfo(this.fd, raw);
    if (result < 0) throw new BpfError(`read info of program ${this.name}`, result);
    return {
      id: raw.readUInt32LE(4),
      tag: raw.toString('hex', 8, 16),
      runNs: raw.readBigUInt64LE(192),
      runs: raw.readBigUInt64LE(200),
    };
  }

  pin(path: string): void {
    const result = libbpf.pin(this.fd, path);
    if (result < 0) throw new BpfError(`pin program ${this.name} at ${path}`, result);
  }

  testRun(options: TestRunOptions): TestRunResult {
    const length = options.data.length;
    const out = Buffer.alloc(length + (options.room ?? 256));
    const input = Buffer.from(options.data);
    const context = Buffer.alloc(24);
    context.writeUInt32LE(length, 4); // data_end
    context.writeUInt32LE(options.ingressIfindex ?? 0, 12);
    const raw = Buffer.alloc(80);
    const withContext = options.ingressIfindex !== undefined;
    for (let attempt = 0; ; attempt++) {
      raw.fill(0);
      raw.writeBigUInt64LE(80n, 0);
      raw.writeBigUInt64LE(libbpf.addressOf(input), 8);
      raw.writeUInt32LE(length, 24);
      if (options.live) {
        raw.writeUInt32LE(2, 68);
        raw.writeUInt32LE(options.live.batch, 76);
      } else {
        raw.writeBigUInt64LE(libbpf.addressOf(out), 16);
        raw.writeUInt32LE(out.length, 28);
      }
      if (withContext) {
        raw.writeBigUInt64LE(libbpf.addressOf(context), 32);
        raw.writeUInt32LE(context.length, 48);
      }
      raw.writeUInt32LE(options.repeat ?? 1, 60);
      const result = libbpf.testRun(this.fd, raw);
      if (result === -EINTR && attempt < 10) continue;
      if (result < 0) throw new BpfError(`test-run program ${this.name}`, result);
      return {
        verdict: raw.readUInt32LE(56),
        data: Uint8Array.from(out.subarray(0, options.live ? 0 : raw.readUInt32LE(28))),
        durationNs: raw.readUInt32LE(64),
      };
    }
  }

  close(): void {
    if (this.#fd < 0) return;
    close(this.#fd);
    this.#fd = -1;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
