/** Errors of the BPF layer. The message says what failed on what and why; `code` is stable and meant for programs. */
import { describeErrno, errnoName } from './libc.ts';

/** A BPF system call or libbpf refused. */
export class BpfError extends Error {
  /** errno's name: `EBUSY`, `EPERM`, … */
  readonly code: string;
  readonly errno: number;
  /** What a person can do about it, when that can be told from errno alone. */
  readonly hint: string | undefined;

  /** @param action verb phrase with its object: "attach headrace_xdp to eth0". @param errno positive or negative. */
  constructor(action: string, errno: number, options?: ErrorOptions & { readonly hint?: string }) {
    super(`${action}: ${describeErrno(errno)}`, options);
    this.name = 'BpfError';
    this.errno = Math.abs(errno);
    this.code = errnoName(errno);
    this.hint = options?.hint ?? hints[this.code];
  }
}

const hints: Readonly<Record<string, string>> = {
  EPERM: 'run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON',
  EACCES: 'the verifier refused, or the descriptor is read-only',
  ENOMEM: 'raise the memory limit of the service (MemoryMax)',
  E2BIG: 'the map is full',
};

/** The kernel would not load a program. */
export class VerifierError extends BpfError {
  /** All that libbpf and the verifier said. */
  readonly log: string;
  /** The line that says why, as far as it can be told. */
  readonly summary: string;

  constructor(action: string, errno: number, log: string) {
    super(action, errno);
    this.name = 'VerifierError';
    this.log = log;
    const lines = log.split('\n').map((line) => line.trim());
    const end = lines.findLastIndex((line) => /^processed \d+ insns/.test(line));
    this.summary =
      (end > 0 ? lines.slice(0, end) : lines).filter((line) => line && !line.startsWith('-- ')).at(-1) ?? '';
    if (this.summary) this.message += `: ${this.summary}`;
  }
}

/** A pinned object is not what this build expects. */
export class LayoutError extends Error {
  readonly code = 'LAYOUT';

  constructor(message: string) {
    super(message);
    this.name = 'LayoutError';
  }
}
