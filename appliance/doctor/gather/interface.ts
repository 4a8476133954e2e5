/** Facts of one interface, from netlink, the ethtool ioctls and, where it is this namespace's, /sys. */
import type { Link, XdpFeatures } from '../../../controlplane/netlink/index.ts';
import { driverOf } from '../../../controlplane/ports/driver.ts';
import { channelsOf, offloadsOf, ringsOf } from '../../../controlplane/ports/ethtool.ts';
import type { InterfaceFacts } from '../facts.ts';
import { cpuList, namesIn, textOf } from './files.ts';

export function interfaceFacts(link: Link, features: XdpFeatures | undefined): InterfaceFacts {
  const sys = `/sys/class/net/${link.name}`;
  const shown = isShown(sys, link);
  return {
    name: link.name,
    ifindex: link.index,
    kind: link.kind ?? null,
    driver: driverOf(link.name) ?? null,
    mtu: link.mtu,
    up: link.up,
    running: link.running,
    xdp: link.xdp ?? null,
    xdpFeatures: features ?? null,
    channels: channelsOf(link.name) ?? null,
    rings: ringsOf(link.name) ?? null,
    offloads: offloadsOf(link.name) ?? null,
    rpsMasks: shown ? rpsMasks(sys) : null,
    interrupts: shown ? interrupts(sys) : null,
  };
}

/**
 * /sys shows the interfaces of the namespace it was mounted in, which need not be ours: "nsenter --net" leaves it. An
 * interface of the same name, number and address is taken for ours.
 */
function isShown(sys: string, link: Link): boolean {
  const address = Buffer.from(link.mac).toString('hex');
  return textOf(`${sys}/ifindex`) === String(link.index) && textOf(`${sys}/address`)?.replaceAll(':', '') === address;
}

function rpsMasks(sys: string): string[] {
  return namesIn(`${sys}/queues`)
    .filter((name) => name.startsWith('rx-'))
    .map((name) => textOf(`${sys}/queues/${name}/rps_cpus`) ?? '0');
}

/** Interrupts that are not a queue's, by what drivers call them. */
const notQueues = /config|async|mgmt|misc|other|control|fdir|pages|cmd/i;

/** Of the device's message-signaled interrupts (virtio devices: of the device they sit on), those of queues. */
function interrupts(sys: string): InterfaceFacts['interrupts'] {
  const folders = [`${sys}/device/msi_irqs`, `${sys}/device/../msi_irqs`];
  const numbers = folders.map(namesIn).find((names) => names.length > 0);
  if (!numbers) return null;
  const described = new Map(
    (textOf('/proc/interrupts') ?? '').split('\n').flatMap((line) => {
      const found = /^\s*(\d+):.*\s(\S+)$/.exec(line);
      return found ? [[found[1]!, found[2]!] as const] : [];
    }),
  );
  return numbers
    .filter((number) => described.has(number) && !notQueues.test(described.get(number)!))
    .map((number) => ({
      number: Number(number),
      cpus: cpuList(
        textOf(`/proc/irq/${number}/effective_affinity_list`) || textOf(`/proc/irq/${number}/smp_affinity_list`) || '',
      ),
    }));
}
