/**
 * Writes pcapng (draft-ietf-opsawg-pcapng): a section, an interface block for each interface when it is first seen,
 * and a packet block for each way of a packet: as it came in and as it went out, tied together by the same packet id.
 *
 * The verdict stands in the block's own option for XDP verdicts, and with its reason in a comment, which Wireshark and
 * tshark show (frame.comment).
 */
import type { TapRecord } from '../../controlplane/tap/index.ts';

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const LINKTYPE_ETHERNET = 1;
const END = 0;
const COMMENT = 1;
const SHB_USERAPPL = 4;
const IF_NAME = 2;
const IF_TSRESOL = 9;
const EPB_FLAGS = 2;
const EPB_PACKETID = 5;
const EPB_VERDICT = 7;
const VERDICT_LINUX_XDP = 2;
const INBOUND = 1;
const OUTBOUND = 2;
const NANOSECONDS = 9;

interface Option {
  readonly code: number;
  readonly value: Buffer;
}

export class PcapngWriter {
  readonly #write: (bytes: Buffer) => void;
  readonly #nameOf: (ifindex: number) => string;
  /** Nanoseconds to add to CLOCK_MONOTONIC. */
  readonly #epoch: bigint;
  readonly #snap: number;
  readonly #interfaces = new Map<number, number>();
  #packets = 0n;

  /**
   * Writes the section's head at once.
   * @param epoch Unix time minus CLOCK_MONOTONIC, in nanoseconds
   */
  constructor(write: (bytes: Buffer) => void, nameOf: (ifindex: number) => string, epoch: bigint, snap: number) {
    this.#write = write;
    this.#nameOf = nameOf;
    this.#epoch = epoch;
    this.#snap = snap;
    const head = Buffer.alloc(16);
    head.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
    head.writeUInt16LE(1, 4);
    head.writeBigInt64LE(-1n, 8); // length of the section: not known
    this.#block(SECTION, head, [{ code: SHB_USERAPPL, value: Buffer.from('headrace capture') }]);
  }

  packet(record: TapRecord): void {
    const { header } = record;
    const id = Buffer.alloc(8);
    id.writeBigUInt64LE(this.#packets++);
    const verdict = Buffer.alloc(9);
    verdict.writeUInt8(VERDICT_LINUX_XDP, 0);
    verdict.writeBigUInt64LE(BigInt(header.verdict), 1);
    const egress = header.egress === 0 ? '' : `, out by ${this.#nameOf(header.egress)}`;
    const comment = `verdict ${record.verdict}, reason ${record.reason}${egress}`;
    const common = [
      { code: COMMENT, value: Buffer.from(comment) },
      { code: EPB_PACKETID, value: id },
      { code: EPB_VERDICT, value: verdict },
    ];
    this.#enhanced(header.ingress, header.time, record.incoming, header.length, [flags(INBOUND), ...common]);
    if (record.outgoing.length > 0)
      this.#enhanced(header.egress, header.time, record.outgoing, header.out_length, [flags(OUTBOUND), ...common]);
  }

  #enhanced(ifindex: number, time: bigint, data: Uint8Array, length: number, options: readonly Option[]): void {
    const at = this.#interface(ifindex);
    const stamp = time + this.#epoch;
    const head = Buffer.alloc(20 + padded(data.length));
    head.writeUInt32LE(at, 0);
    head.writeUInt32LE(Number(stamp >> 32n), 4);
    head.writeUInt32LE(Number(stamp & 0xffffffffn), 8);
    head.writeUInt32LE(data.length, 12);
    head.writeUInt32LE(length, 16);
    head.set(data, 20);
    this.#block(ENHANCED_PACKET, head, options);
  }

  #interface(ifindex: number): number {
    const known = this.#interfaces.get(ifindex);
    if (known !== undefined) return known;
    const number = this.#interfaces.size;
    this.#interfaces.set(ifindex, number);
    const head = Buffer.alloc(8);
    head.writeUInt16LE(LINKTYPE_ETHERNET, 0);
    head.writeUInt32LE(this.#snap, 4);
    this.#block(INTERFACE, head, [
      { code: IF_NAME, value: Buffer.from(this.#nameOf(ifindex)) },
      { code: IF_TSRESOL, value: Buffer.from([NANOSECONDS]) },
    ]);
    return number;
  }

  #block(type: number, body: Buffer, options: readonly Option[]): void {
    const encoded = options.map(({ code, value }) => {
      const bytes = Buffer.alloc(4 + padded(value.length));
      bytes.writeUInt16LE(code, 0);
      bytes.writeUInt16LE(value.length, 2);
      value.copy(bytes, 4);
      return bytes;
    });
    encoded.push(Buffer.alloc(4, END));
    const length = 12 + body.length + encoded.reduce((sum, bytes) => sum + bytes.length, 0);
    const head = Buffer.alloc(8);
    head.writeUInt32LE(type, 0);
    head.writeUInt32LE(length, 4);
    const tail = Buffer.alloc(4);
    tail.writeUInt32LE(length, 0);
    this.#write(Buffer.concat([head, body, ...encoded, tail]));
  }
}

function flags(direction: number): Option {
  const value = Buffer.alloc(4);
  value.writeUInt32LE(direction, 0);
  return { code: EPB_FLAGS, value };
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
