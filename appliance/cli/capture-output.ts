/**
 * Where a capture goes: a file, a pipe or a terminal. The latter two may not take anything for a long time (`less`, a
 * terminal stopped by Ctrl-S), and nobody here waits for them: what was written waits in memory until `full`, and then
 * packets are left in the kernel's ring, which loses and counts what it has no room for. So the daemon goes on being
 * told that the capture is wanted, and timers and signals are heard.
 */
import { createWriteStream, fstatSync, ftruncateSync, openSync } from 'node:fs';
import type { Writable } from 'node:stream';

const FULL_BYTES = 1 << 20;

export class CaptureOutput {
  readonly #stream: Writable;
  readonly #isOurs: boolean;
  readonly #fd: number | undefined;

  /** @param file "-" or undefined: standard output. It keeps what it holds until `begin`. @throws Error when it cannot be opened. */
  constructor(file: string | undefined, onError: (error: Error) => void) {
    this.#isOurs = file !== undefined && file !== '-';
    if (this.#isOurs) {
      // Truncated later: a capture that is refused shall not cost the one before.
      this.#fd = openSync(file!, 'a', 0o600);
      this.#stream = createWriteStream('', { fd: this.#fd });
    } else {
      this.#stream = process.stdout;
      unblock(process.stdout);
    }
    this.#stream.on('error', onError);
  }

  /** Empties a file. */
  begin(): void {
    if (this.#fd !== undefined && fstatSync(this.#fd).isFile()) ftruncateSync(this.#fd);
  }

  /** Copies nothing: the bytes must not change afterwards. */
  write(bytes: Uint8Array | string): void {
    this.#stream.write(bytes);
  }

  /** Is there no room for more? */
  get full(): boolean {
    return this.#stream.writableLength >= FULL_BYTES;
  }

  /** Waits until all is written, or cannot be. */
  end(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stream.errored) return resolve();
      this.#stream.once('error', () => resolve());
      if (this.#isOurs) this.#stream.end(() => resolve());
      else this.#stream.write('', () => resolve());
    });
  }
}

/** Node writes to pipes without waiting, but to terminals it waits; it has no other way of saying that it should not. */
function unblock(stream: NodeJS.WriteStream): void {
  const { _handle: handle } = stream as { readonly _handle?: { readonly setBlocking?: (blocking: boolean) => number } };
  if (stream.isTTY) handle?.setBlocking?.(false);
}
