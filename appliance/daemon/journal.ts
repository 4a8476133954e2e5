/**
 * The journal, in its own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): a datagram an entry, with fields that
 * `journalctl HEADRACE_EVENT=backend_fails` finds. Lines on standard error could carry a priority and nothing else.
 */
import { close, sendto, socket } from '../../controlplane/bpf/libc.ts';

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
const JOURNAL_SOCKET = '/run/systemd/journal/socket';
const NAME_LENGTH = 64;

/** Values by names of the journal: capitals, digits and underscores. */
export type JournalFields = Readonly<Record<string, string>>;

export class Journal implements Disposable {
  readonly #fd: number;
  readonly #address: Buffer;

  /** @throws Error when there are no sockets left. That nobody listens is told by `send`. */
  constructor(path = JOURNAL_SOCKET) {
    this.#fd = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
    if (this.#fd < 0) throw new Error('open a socket to the journal: no descriptor is left');
    this.#address = Buffer.concat([Buffer.of(AF_UNIX, 0), Buffer.from(`${path}\0`)]);
  }

  /** Never waits. @returns false when the journal did not take it: it is away, full, or the entry is too large. */
  send(fields: JournalFields): boolean {
    const entry = journalEntry(fields);
    return (
      sendto(this.#fd, entry, entry.length, DONTWAIT_NOSIGNAL, this.#address, this.#address.length) === entry.length
    );
  }

  [Symbol.dispose](): void {
    close(this.#fd);
  }
}

/** A value of several lines goes behind its length. */
export function journalEntry(fields: JournalFields): Buffer {
  const parts = Object.entries(fields).map(([name, value]) => {
    if (!value.includes('\n')) return Buffer.from(`${name}=${value}\n`);
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(bytes.length));
    return Buffer.concat([Buffer.from(`${name}\n`), length, bytes, Buffer.from('\n')]);
  });
  return Buffer.concat(parts);
}

/** As the journal wants names: a field of ours is `HEADRACE_` and its name in capitals. */
export function journalName(name: string): string {
  return `HEADRACE_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`.slice(0, NAME_LENGTH);
}
