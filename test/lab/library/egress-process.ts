/** Prints, as JSON, which of the interfaces named take redirected frames: as tried, and as the kernel says (or null). */
import { Netdev, RouteNetlink } from '../../../controlplane/netlink/index.ts';
import { EgressProbe } from '../../../controlplane/ports/index.ts';
import { repository } from './repository.ts';

using netlink = RouteNetlink.open();
using probe = new EgressProbe(`${repository}/build/xdp/egress-probe.bpf.o`);
const netdev = Netdev.open();
const features = netdev?.allXdpFeatures();
const answers = netlink
  .links()
  .filter(({ name }) => process.argv.slice(2).includes(name))
  .map((link) => [
    link.name,
    { tried: probe.transmits(link), told: features ? (features.get(link.index)?.ndoXmit ?? false) : null },
  ]);
console.log(JSON.stringify(Object.fromEntries(answers)));
netdev?.close();
