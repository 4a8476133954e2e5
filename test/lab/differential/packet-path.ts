/**
 * Headrace on a box, and what its counters say. Either as an operator runs it, or the packet path alone, attached once
 * by this process: for finding out which of the two is at fault.
 */
import path from 'node:path';
import { DataPlane, type InstancePaths, instancePaths, pinnedCounters } from '../../../controlplane/dataplane/index.ts';
import { Netdev } from '../../../controlplane/netlink/netdev.ts';
import { Ports } from '../../../controlplane/ports/index.ts';
import { type Host, headrace, minimalConfig } from '../library/index.ts';
import { repository } from '../library/repository.ts';

export class PacketPath {
  readonly #paths: InstancePaths;

  private constructor(paths: InstancePaths) {
    this.#paths = paths;
  }

  /** Runs the daemon. */
  static async daemon(host: Host): Promise<PacketPath> {
    const box = await headrace(host, minimalConfig);
    return new PacketPath(instancePaths(box.instance, host.runDirectory));
  }

  /** Attaches the program and leaves it, pinned. */
  static alone(host: Host): PacketPath {
    const paths = instancePaths(host.name, host.runDirectory);
    host.inNamespace(() => {
      using netdev = Netdev.open();
      using plane = DataPlane.open(path.join(repository, 'build/xdp/headrace.bpf.o'), paths);
      using ports = new Ports(plane, netdev);
      for (let round = 0; round < 3; round++) ports.refresh({ patterns: ['p*'], allowGeneric: false });
    });
    return new PacketPath(paths);
  }

  /** Packets forwarded by the fast path since it was attached. */
  forwarded(): number {
    const rows = pinnedCounters(this.#paths) ?? [];
    return rows.filter(({ reason }) => reason === 'forwarded').reduce((sum, { packets }) => sum + Number(packets), 0);
  }

  /** Packets by reason since it was attached. */
  reasons(): Map<string, number> {
    const all = new Map<string, number>();
    for (const { reason, packets } of pinnedCounters(this.#paths) ?? [])
      all.set(reason, (all.get(reason) ?? 0) + Number(packets));
    return all;
  }
}
