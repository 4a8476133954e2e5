/**
 * Headrace on a box, and what its counters say. Either as an operator runs it, or the packet path alone, attached once
 * by this process: for finding out which of the two is at fault.
 */
import path from 'node:path';
import { portFlag } from '../../../controlplane/bpf/generated/headrace.ts';
import { DataPlane, type InstancePaths, instancePaths, pinnedCounters } from '../../../controlplane/dataplane/index.ts';
import { type Host, headrace, minimalConfig, mirrorValid } from '../library/index.ts';
import { repository } from '../library/repository.ts';
import { ports, routerMac } from './boxes.ts';

/** The kernel's router keeps no neighbor resolved, and asks for every one that is not. */
const neighborsAsTheyAre = 'neighbors: { keep: false, unresolved_per_second: 0 }\n';

export class PacketPath {
  readonly #paths: InstancePaths;

  private constructor(paths: InstancePaths) {
    this.#paths = paths;
  }

  /** Runs the daemon; with `fib: mirror`, until the mirror answers for both families. */
  static async daemon(host: Host, fib: 'helper' | 'mirror' = 'helper'): Promise<PacketPath> {
    const box = await headrace(host, `${minimalConfig}${neighborsAsTheyAre}router:\n  fib: ${fib}\n`);
    if (fib === 'mirror') await mirrorValid(box);
    return new PacketPath(instancePaths(box.instance, host.runDirectory));
  }

  /** Attaches the program and leaves it, pinned. */
  static alone(host: Host): PacketPath {
    const paths = instancePaths(host.name, host.runDirectory);
    const indexes = ports.map(({ name }) => host.ifindex(name));
    host.inNamespace(() => {
      using plane = DataPlane.open(path.join(repository, 'build/xdp/headrace.bpf.o'), paths);
      ports.forEach(({ name, mtu, takesXdpFrames, strict, loose, ruled }, i) => {
        if (!name.startsWith('p')) return;
        const ifindex = indexes[i]!;
        const mac = Uint8Array.from(routerMac(i).split(':'), (byte) => Number.parseInt(byte, 16));
        const flags =
          portFlag.ATTACHED |
          portFlag.VIRTUAL |
          (takesXdpFrames && !ruled ? portFlag.TRANSMITS : 0) |
          (strict ? portFlag.RP_STRICT : 0) |
          (loose ? portFlag.RP_LOOSE : 0) |
          (ruled ? portFlag.TO_KERNEL : 0);
        plane.maps.ports.set(ifindex, { flags, mtu, slot: plane.slotOf(name), mac, interface: ifindex });
        if (takesXdpFrames && !ruled) plane.maps.txPorts.set(ifindex, ifindex);
        plane.attach(ifindex, 'native');
      });
    });
    return new PacketPath(paths);
  }

  /** Packets forwarded by the fast path since it was attached. */
  forwarded(): number {
    const rows = pinnedCounters(this.#paths) ?? [];
    return rows
      .filter(({ reason }) => reason.startsWith('forwarded'))
      .reduce((sum, { packets }) => sum + Number(packets), 0);
  }

  /** Packets by reason since it was attached. */
  reasons(): Map<string, number> {
    const all = new Map<string, number>();
    for (const { reason, packets } of pinnedCounters(this.#paths) ?? [])
      all.set(reason, (all.get(reason) ?? 0) + Number(packets));
    return all;
  }
}
