/**
 * Frames as they are compared, and as a person reads them.
 *
 * What differs by nature is evened out: the identification of IPv4 packets the router itself made, and the flow label of
 * its IPv6 packets. Address resolution and multicast listening are the kernel's own business and no answer to a packet.
 */
const v4 = (bytes: Buffer, at: number): string => bytes.subarray(at, at + 4).join('.');
const v6 = (bytes: Buffer, at: number): string =>
  bytes
    .subarray(at, at + 16)
    .toString('hex')
    .replace(/(....)(?!$)/g, '$1:');
const mac = (bytes: Buffer, at: number): string =>
  bytes
    .subarray(at, at + 6)
    .toString('hex')
    .replace(/(..)(?!$)/g, '$1:');

const isV4 = (frame: Buffer): boolean => frame.length >= 34 && frame.readUInt16BE(12) === 0x0800;
const isV6 = (frame: Buffer): boolean => frame.length >= 54 && frame.readUInt16BE(12) === 0x86dd;

/** ARP, neighbor discovery, listener reports. */
export function isNoise(frame: Buffer): boolean {
  if (frame.length < 14) return false;
  if (frame.readUInt16BE(12) === 0x0806) return true;
  if (!isV6(frame)) return false;
  const hopByHop = frame[20] === 0;
  const type = hopByHop ? frame[62] : frame[20] === 58 ? frame[54] : undefined;
  return type !== undefined && ((type >= 130 && type <= 136) || type === 143);
}

function routerMadeV4(frame: Buffer): boolean {
  return frame[26] === 10 && frame[27] === 0 && frame[29] === 1;
}

function routerMadeV6(frame: Buffer): boolean {
  const source = v6(frame, 22);
  return source.startsWith('fe80') || (source.startsWith('fd00') && source.endsWith(':0000:0000:0000:0001'));
}

/** The frame with what differs by nature set to zero. */
export function normalized(frame: Buffer): Buffer {
  const copy = Buffer.from(frame);
  if (isV4(copy) && routerMadeV4(copy)) {
    copy.fill(0, 18, 20);
    copy.fill(0, 24, 26);
  } else if (isV6(copy) && routerMadeV6(copy)) {
    copy[15] = copy[15]! & 0xf0;
    copy.fill(0, 16, 18);
  }
  return copy;
}

/** ICMP type of an unfragmented, plain ICMP packet, as "4/TYPE" or "6/TYPE". */
export function icmpType(frame: Buffer): string | undefined {
  if (isV4(frame) && frame[23] === 1 && frame[14] === 0x45) return `4/${frame[34]}`;
  if (isV6(frame) && frame[20] === 58) return `6/${frame[54]}`;
  return undefined;
}

/** One line about a frame. */
export function describe(frame: Buffer): string {
  if (frame.length < 14) return `${frame.length} bytes: ${frame.toString('hex')}`;
  const head = `${frame.length} bytes ${mac(frame, 6)} > ${mac(frame, 0)}`;
  if (isV4(frame)) {
    const part = frame.readUInt16BE(20);
    return `${head} IPv4 ${v4(frame, 26)} > ${v4(frame, 30)} protocol ${frame[23]} ttl ${frame[22]} tos ${frame[15]} ihl ${frame[14]! & 15} version ${frame[14]! >> 4} length ${frame.readUInt16BE(16)} id ${frame.readUInt16BE(18)} fragment ${part.toString(16)} checksum ${frame.readUInt16BE(24).toString(16)}${frame[23] === 1 ? ` icmp ${frame[34]}/${frame[35]}` : ''}`;
  }
  if (isV6(frame))
    return `${head} IPv6 ${v6(frame, 22)} > ${v6(frame, 38)} next ${frame[20]} hops ${frame[21]} word ${frame.subarray(14, 18).toString('hex')} length ${frame.readUInt16BE(18)}${frame[20] === 58 ? ` icmp ${frame[54]}/${frame[55]}` : ''}`;
  return `${head} type ${frame.readUInt16BE(12).toString(16)}: ${frame.subarray(14, 54).toString('hex')}`;
}
