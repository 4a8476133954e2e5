/**
 * How a frame that comes out is known to belong to a packet that went in: the payload repeats the packet's number, so
 * that it is found again in every fragment and in what an ICMP error quotes.
 */
const magic = Buffer.from([0xd1, 0xff, 0x5e, 0xed]);

/** `length` bytes of payload that carry `id`. */
export function tagged(id: number, length: number): number[] {
  const unit = [...magic, (id >>> 24) & 0xff, (id >>> 16) & 0xff, (id >>> 8) & 0xff, id & 0xff];
  return Array.from({ length }, (_, i) => unit[i % 8] ?? 0);
}

/** Number of the packet that `frame` carries or quotes; undefined when it has none. */
export function tagOf(frame: Buffer): number | undefined {
  const at = frame.indexOf(magic);
  if (at < 0) return undefined;
  if (at + 8 <= frame.length) return frame.readUInt32BE(at + 4);
  return at >= 4 ? frame.readUInt32BE(at - 4) : undefined;
}
