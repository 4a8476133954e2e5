/** Addresses of interfaces (struct ifaddrmsg). */
import { AttributeTable, AttributeWriter, littleEndian } from './attributes.ts';
import * as c from './constants.ts';

export interface Address {
  readonly ifindex: number;
  readonly family: 4 | 6;
  /** The interface's own address: 4 or 16 bytes. */
  readonly bytes: Uint8Array;
  readonly prefixLength: number;
  /** The far end of a point-to-point interface. */
  readonly peer: Uint8Array | undefined;
  readonly broadcast: Uint8Array | undefined;
  readonly label: string | undefined;
  /** RT_SCOPE_*: 0 global, 253 link, 254 host. */
  readonly scope: number;
  /** IFA_F_* bits. */
  readonly flags: number;
  readonly secondary: boolean;
  /** Duplicate address detection has not finished, or has failed: not yet, or never, usable. */
  readonly tentative: boolean;
}

const IFADDR_SIZE = 8;
const attributes = new AttributeTable();

/** Body of RTM_GETADDR for both families. */
export function encodeAddressQuery(): AttributeWriter {
  return new AttributeWriter().header(IFADDR_SIZE);
}

/** Undefined when it is of another family than IP. */
export function readAddress(view: DataView, start: number, end: number): Address | undefined {
  if (end - start < IFADDR_SIZE) return undefined;
  const family = view.getUint8(start);
  if (family !== c.AF_INET && family !== c.AF_INET6) return undefined;
  const a = attributes.parse(view, start + IFADDR_SIZE, end);
  // IFA_LOCAL is the own address, IFA_ADDRESS the far end; without a far end IPv6 gives only IFA_ADDRESS.
  const address = a.bytes(c.IFA_ADDRESS);
  const local = a.bytes(c.IFA_LOCAL);
  const bytes = local ?? address;
  if (!bytes) return undefined;
  const flags = a.u32(c.IFA_FLAGS) ?? view.getUint8(start + 2);
  return {
    ifindex: view.getUint32(start + 4, littleEndian),
    family: family === c.AF_INET ? 4 : 6,
    bytes,
    prefixLength: view.getUint8(start + 1),
    peer: address?.some((byte, i) => byte !== bytes[i]) ? address : undefined,
    broadcast: a.bytes(c.IFA_BROADCAST),
    label: a.string(c.IFA_LABEL),
    scope: view.getUint8(start + 3),
    flags,
    secondary: (flags & c.IFA_F_SECONDARY) !== 0,
    tentative: (flags & (c.IFA_F_TENTATIVE | c.IFA_F_DADFAILED)) !== 0,
  };
}
