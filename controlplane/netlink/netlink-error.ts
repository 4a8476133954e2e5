/** The error of the netlink layer: what was asked of whom, errno, and the sentence the kernel adds by extended ACK. */
import { describeErrno, errnoName } from '../bpf/libc.ts';

/** The kernel refused a netlink request, or a socket could not be used. */
export class NetlinkError extends Error {
  /** errno's name (`EEXIST`), or `DUMP_INTERRUPTED` when a table would not hold still. */
  readonly code: string;
  /** Positive; 0 when no system call failed. */
  readonly errno: number;
  /** The kernel's own explanation, when it gave one. */
  readonly hint: string | undefined;

  /** @param action verb phrase with its object: "add route 10.0.0.0/8". @param errno positive or negative, or a code. */
  constructor(action: string, errno: number | 'DUMP_INTERRUPTED', hint?: string, options?: ErrorOptions) {
    const reason = typeof errno === 'number' ? describeErrno(errno) : 'the table kept changing while it was read';
    super(`${action}: ${reason}${hint ? `: ${hint}` : ''}`, options);
    this.name = 'NetlinkError';
    this.errno = typeof errno === 'number' ? Math.abs(errno) : 0;
    this.code = typeof errno === 'number' ? errnoName(errno) : errno;
    this.hint = hint;
  }
}
