/**
 * IPsec policies (xfrm) for packets that are forwarded: the kernel would encrypt them, or refuse those that should have
 * come encrypted. The packet path knows nothing of it and would send them in the clear. Needs CAP_NET_ADMIN.
 */
import { AttributeWriter, littleEndian } from '../netlink/attributes.ts';
import { MulticastSocket, NetlinkError, RequestSocket } from '../netlink/index.ts';
import type { Finding } from './finding.ts';

const NETLINK_XFRM = 6;
const XFRMNLGRP_POLICY = 4;
const XFRM_MSG_GETPOLICY = 0x15;
/** struct xfrm_userpolicy_info: selector 56, lifetimes 64 + 32, priority, index; then the direction. */
const DIRECTION_AT = 56 + 64 + 32 + 4 + 4;
const directions: Readonly<Record<number, string>> = { 1: 'out', 2: 'fwd' };
/** The kernel has no xfrm. */
const absent: ReadonlySet<string> = new Set(['EPROTONOSUPPORT', 'EINVAL', 'EOPNOTSUPP']);

/** @throws NetlinkError when the policies cannot be read. */
export function ipsecFindings(): Finding[] {
  const found = new Set<string>();
  try {
    using requests = RequestSocket.open({ protocol: NETLINK_XFRM });
    requests.dump(
      'list IPsec policies',
      XFRM_MSG_GETPOLICY,
      // struct xfrm_userpolicy_id, empty: all policies
      new AttributeWriter().header(64),
      (view, start) => {
        // Policies of one socket have an index with other low bits (XFRM_POLICY_MAX and up), and concern no other.
        const index = view.getUint32(start + DIRECTION_AT - 4, littleEndian);
        const direction = directions[view.getUint8(start + DIRECTION_AT)];
        if (direction && (index & 7) < 3) found.add(direction);
      },
      () => found.clear(),
    );
  } catch (error) {
    if (error instanceof NetlinkError && absent.has(error.code)) return [];
    throw error;
  }
  return [...found].map((direction) => ({
    cause: 'ipsec',
    where: `IPsec policies, direction ${direction} (ip xfrm policy)`,
    scope: 'all',
  }));
}

/** Calls `onChange` when policies change; undefined where the kernel has no IPsec. */
export function followIpsec(onChange: () => void): MulticastSocket | undefined {
  try {
    return MulticastSocket.open({
      protocol: NETLINK_XFRM,
      groups: [XFRMNLGRP_POLICY],
      onMessage: onChange,
      onOverrun: onChange,
    });
  } catch (error) {
    if (error instanceof NetlinkError) return undefined;
    throw error;
  }
}
