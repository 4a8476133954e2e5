/** Routes into the kernel of a namespace, many a system call: a million in seconds where `ip -batch` takes minutes. */
import * as c from '../../controlplane/netlink/constants.ts';
import { encodeMessage, readError, walkMessages } from '../../controlplane/netlink/message.ts';
import { NetlinkError } from '../../controlplane/netlink/netlink-error.ts';
import { encodeRoute, type RouteChange } from '../../controlplane/netlink/route-query.ts';
import { NetlinkSocket } from '../../controlplane/netlink/socket.ts';

/** Bytes handed to the kernel at a time. */
const SEND_BYTES = 1 << 16;

/** @throws NetlinkError for a route that the kernel refuses. */
export function addKernelRoutes(netns: string, routes: Iterable<RouteChange>): void {
  using socket = NetlinkSocket.open({ netns });
  const buffer = new Uint8Array(SEND_BYTES + 1024);
  let length = 0;
  const flush = (): void => {
    if (length > 0) socket.send(buffer.subarray(0, length));
    length = 0;
    // Only what is refused is answered.
    for (let size = socket.receive(); size !== 0; size = socket.receive()) {
      if (size < 0) throw new NetlinkError('add routes', size);
      walkMessages(socket.view, size, (type, flags, _sequence, start, end) => {
        const { errno, hint } = readError(socket.view, flags, start, end);
        if (type === c.NLMSG_ERROR && errno !== 0) throw new NetlinkError('add route', errno, hint);
        return true;
      });
    }
  };
  for (const route of routes) {
    const message = encodeMessage(
      c.RTM_NEWROUTE,
      c.NLM_F_REQUEST | c.NLM_F_CREATE | c.NLM_F_REPLACE,
      1,
      encodeRoute(route, false).finish(),
    );
    buffer.set(message, length);
    length += (message.length + 3) & ~3;
    if (length > SEND_BYTES) flush();
  }
  flush();
}
