/**
 * A program on what comes in by an interface, behind XDP and before the kernel's own stages (tcx, Linux 6.6). It stays as
 * long as this process holds it, and not longer.
 */
import { BpfError } from './errors.ts';
import * as libbpf from './libbpf.ts';
import { close } from './libc.ts';
import type { Program } from './program.ts';

const BPF_TCX_INGRESS = 46;
const hints: ReadonlyMap<number, string> = new Map([
  [22, 'programs of this kind (tcx) need Linux 6.6'],
  [19, 'the interface is gone'],
]);

/** Numbers of the programs this process has attached, for whoever looks for those of others. */
const own = new Map<number, number>();
export const isOwnTcx = (program: number): boolean => own.has(program);

export class TcxLink implements Disposable {
  #fd: number;
  readonly #program: number;

  private constructor(fd: number, program: number) {
    this.#fd = fd;
    this.#program = program;
    own.set(program, (own.get(program) ?? 0) + 1);
  }

  /** @throws BpfError: EINVAL on kernels before 6.6. */
  static attach(program: Program, ifindex: number): TcxLink {
    const fd = libbpf.linkCreate(program.fd, ifindex, BPF_TCX_INGRESS, null);
    if (fd < 0) {
      const hint = hints.get(-fd);
      throw new BpfError(`attach ${program.name} to what comes in by interface ${ifindex}`, fd, hint ? { hint } : {});
    }
    return new TcxLink(fd, program.info().id);
  }

  /** Takes it off. */
  close(): void {
    if (this.#fd < 0) return;
    close(this.#fd);
    this.#fd = -1;
    const others = (own.get(this.#program) ?? 1) - 1;
    if (others > 0) own.set(this.#program, others);
    else own.delete(this.#program);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
