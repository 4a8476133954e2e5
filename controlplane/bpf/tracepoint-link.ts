/**
 * A program attached to a tracepoint of the kernel, by the name in its section (`tp_btf/NAME`). It stays attached while a
 * descriptor or a pin holds the link.
 *
 * Loading such a program takes CAP_PERFMON; attaching one that is loaded does not.
 */
import { BpfError } from './errors.ts';
import * as libbpf from './libbpf.ts';
import { close } from './libc.ts';
import type { Program } from './program.ts';

export class TracepointLink implements Disposable {
  #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** @throws BpfError: ENOENT when this kernel has no such tracepoint. */
  static attach(program: Program): TracepointLink {
    const fd = libbpf.tracepointOpen(null, program.fd);
    if (fd < 0) throw new BpfError(`attach ${program.name} to its tracepoint`, fd);
    return new TracepointLink(fd);
  }

  pin(path: string): void {
    if (this.#fd < 0) throw new Error('use tracepoint link: it is closed');
    const result = libbpf.pin(this.#fd, path);
    if (result < 0) throw new BpfError(`pin link at ${path}`, result);
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
