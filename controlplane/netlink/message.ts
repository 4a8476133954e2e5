/**
 * Netlink messages: the 16-byte header, walking the messages of a datagram, and what the kernel says in an error.
 */
import { AttributeTable, littleEndian } from './attributes.ts';
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSGERR_ATTR_MSG } from './constants.ts';

/** struct nlmsghdr: length u32, type u16, flags u16, sequence u32, port u32. */
export const HEADER_SIZE = 16;

/** Header and body as one datagram. */
export function encodeMessage(type: number, flags: number, sequence: number, body: Uint8Array): Uint8Array {
  const message = new Uint8Array(HEADER_SIZE + body.length);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length, littleEndian);
  view.setUint16(4, type, littleEndian);
  view.setUint16(6, flags, littleEndian);
  view.setUint32(8, sequence, littleEndian);
  message.set(body, HEADER_SIZE);
  return message;
}

/**
 * Receives one message: its type, flags, sequence number and the bounds of its payload. Returning false ends the walk
 * of this datagram.
 */
export type MessageVisitor = (type: number, flags: number, sequence: number, start: number, end: number) => boolean;

/** Visits the messages in the first `length` bytes. A malformed length ends the walk. */
export function walkMessages(view: DataView, length: number, visit: MessageVisitor): void {
  let at = 0;
  while (at + HEADER_SIZE <= length) {
    const size = view.getUint32(at, littleEndian);
    if (size < HEADER_SIZE || at + size > length) return;
    const more = visit(
      view.getUint16(at + 4, littleEndian),
      view.getUint16(at + 6, littleEndian),
      view.getUint32(at + 8, littleEndian),
      at + HEADER_SIZE,
      at + size,
    );
    if (!more) return;
    at += (size + 3) & ~3;
  }
}

/** What NLMSG_ERROR, or the end of a dump, reports: errno (0: fine) and the kernel's sentence. */
export interface Outcome {
  readonly errno: number;
  readonly hint: string | undefined;
}

/** Payload of NLMSG_ERROR: errno, the refused header, the refused payload unless capped, then extended ACK attributes. */
export function readError(view: DataView, flags: number, start: number, end: number): Outcome {
  const errno = -view.getInt32(start, littleEndian);
  let tail = start + 4 + HEADER_SIZE;
  if (!(flags & NLM_F_CAPPED)) tail = start + 4 + ((view.getUint32(start + 4, littleEndian) + 3) & ~3);
  return { errno, hint: flags & NLM_F_ACK_TLVS ? readHint(view, tail, end) : undefined };
}

/** Payload of NLMSG_DONE: a dump may end in an error, told nowhere else. */
export function readDone(view: DataView, flags: number, start: number, end: number): Outcome {
  if (end - start < 4) return { errno: 0, hint: undefined };
  const errno = Math.max(0, -view.getInt32(start, littleEndian));
  return { errno, hint: flags & NLM_F_ACK_TLVS ? readHint(view, start + 4, end) : undefined };
}

function readHint(view: DataView, start: number, end: number): string | undefined {
  return start < end ? new AttributeTable().parse(view, start, end).string(NLMSGERR_ATTR_MSG) : undefined;
}
