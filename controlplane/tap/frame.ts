/** Where the network header of a frame is, behind its VLAN tags. */

export interface NetworkHeader {
  /** EtherType. */
  readonly type: number;
  /** First byte of what comes behind it. */
  readonly at: number;
  /** VLAN numbers, the outermost first. */
  readonly vlans: readonly number[];
}

const TAGS = new Set([0x8100, 0x88a8]);
const IPV4 = 0x0800;
const IPV6 = 0x86dd;

/** Undefined when the frame ends before it. */
export function networkHeader(frame: Uint8Array): NetworkHeader | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const vlans: number[] = [];
  let at = 12;
  for (; at + 4 <= frame.length && TAGS.has(view.getUint16(at)); at += 4) vlans.push(view.getUint16(at + 2) & 0xfff);
  return at + 2 > frame.length ? undefined : { type: view.getUint16(at), at: at + 2, vlans };
}

/** The address an IP packet is sent to: 4 or 16 bytes, undefined for other packets and for too few bytes of them. */
export function destinationOf(frame: Uint8Array): Uint8Array | undefined {
  const header = networkHeader(frame);
  if (!header) return undefined;
  const [from, to] = header.type === IPV4 ? [16, 20] : header.type === IPV6 ? [24, 40] : [0, 0];
  return to > 0 && header.at + to <= frame.length ? frame.subarray(header.at + from, header.at + to) : undefined;
}
