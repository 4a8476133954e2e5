/**
 * Netlink messages as bytes: a 16-byte header, a family's fixed part, then attributes of type, length and value, each
 * aligned to 4 bytes. Host byte order, but for addresses.
 */
import { errnoName } from '../bpf/libc.ts';

/** One message inside a receive buffer. The body is a view: copy what is to be kept. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: DataView;
}

export type Attributes = ReadonlyMap<number, DataView>;

/** A request the kernel refused. */
export class NetlinkError extends Error {
  /** errno's name. */
  readonly code: string;

  constructor(action: string, errno: number, detail?: string) {
    super(`${action}: ${detail ? `${detail} ` : ''}(${errnoName(errno)})`);
    this.name = 'NetlinkError';
    this.code = errnoName(errno);
  }
}

/** The messages of one datagram. */
export function* messages(bytes: Uint8Array): Generator<Message> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 16 <= view.byteLength; ) {
    const length = view.getUint32(at, true);
    if (length < 16 || at + length > view.byteLength) return;
    yield {
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      body: new DataView(view.buffer, view.byteOffset + at + 16, length - 16),
    };
    at += (length + 3) & ~3;
  }
}

/** The attributes behind the first `offset` bytes of a body. A later one of the same type wins, as in the kernel. */
export function attributes(body: DataView, offset: number): Attributes {
  const found = new Map<number, DataView>();
  for (let at = offset; at + 4 <= body.byteLength; ) {
    const length = body.getUint16(at, true);
    if (length < 4 || at + length > body.byteLength) break;
    const type = body.getUint16(at + 2, true) & 0x3fff;
    found.set(type, new DataView(body.buffer, body.byteOffset + at + 4, length - 4));
    at += (length + 3) & ~3;
  }
  return found;
}

/** A copy of an attribute's bytes. */
export function copy(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/** The NUL-terminated string in an attribute. */
export function string(view: DataView): string {
  const raw = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  const end = raw.indexOf(0);
  return raw.toString('utf8', 0, end === -1 ? raw.length : end);
}

/** Header and body as one message to send. */
export function encode(type: number, flags: number, sequence: number, body: Uint8Array): Buffer {
  const message = Buffer.alloc(16 + body.length);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags, 6);
  message.writeUInt32LE(sequence, 8);
  message.set(body, 16);
  return message;
}

/** An attribute, padded. */
export function attribute(type: number, value: Uint8Array): Buffer {
  const raw = Buffer.alloc((4 + value.length + 3) & ~3);
  raw.writeUInt16LE(4 + value.length, 0);
  raw.writeUInt16LE(type, 2);
  raw.set(value, 4);
  return raw;
}
