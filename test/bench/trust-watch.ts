/** Whether packets may believe the tables of a running daemon, right now: its map, mapped. */
import path from 'node:path';
import { maps } from '../../controlplane/bpf/generated/headrace.ts';
import { BpfMap, type MappedMap } from '../../controlplane/bpf/index.ts';
import { instancePaths } from '../../controlplane/dataplane/index.ts';
import type { Headrace } from '../lab/library/index.ts';

export class TrustWatch implements Disposable {
  readonly #mapped: MappedMap;

  constructor(daemon: Headrace) {
    const folder = instancePaths(daemon.instance, daemon.host.runDirectory).maps;
    using map = BpfMap.openPinned(path.join(folder, maps.fibTrust.name), maps.fibTrust);
    this.#mapped = map.mmap();
  }

  /** Of both families. The lease is not looked at. */
  get valid(): boolean {
    const { ipv4, ipv6 } = maps.fibTrust.value.read(this.#mapped.view, 0);
    return ipv4 !== 0 && ipv6 !== 0;
  }

  close(): void {
    this.#mapped.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
