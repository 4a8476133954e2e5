/**
 * The packet path's maps about interfaces, and what stands in them.
 *
 * What stands there is read from the maps themselves at the start, all of it: records left by a daemon before this one
 * are of interfaces that may be gone, whose numbers may be somebody else's by now. From then on nobody else writes,
 * with one exception: the kernel takes an interface that vanishes out of tx_ports and able_ports, so those are read every time.
 */
import type { Port, VlanEgress } from '../bpf/generated/headrace.ts';
import { BpfError, type BpfMap } from '../bpf/index.ts';
import type { DataPlaneMaps } from '../dataplane/index.ts';
import type { Actual, MapOperation } from './reconcile.ts';
import { writeStrangers } from './strangers.ts';
import { keyText, noEgress, noPort, type VlanEntry } from './vlans.ts';

export class PortMaps {
  readonly #maps: () => DataPlaneMaps;
  readonly #ports = new Map<number, Port>();
  readonly #vlans = new Map<string, VlanEntry>();
  readonly #vlanEgress = new Map<number, VlanEgress>();
  readonly #own = new Set<number>();
  #filtered = false;

  /** @param current the maps as they are now: they are other objects after a change of features */
  constructor(current: () => DataPlaneMaps) {
    this.#maps = current;
    const maps = current();
    for (const ifindex of inUse(maps.ports)) this.#ports.set(ifindex, maps.ports.get(ifindex)!);
    for (const ifindex of inUse(maps.vlanEgress)) this.#vlanEgress.set(ifindex, maps.vlanEgress.get(ifindex)!);
    for (const [key, ifindex] of maps.vlans.readBatch()) this.#vlans.set(keyText(key), { key, ifindex });
    for (const address of maps.ownV4.keys()) this.#own.add(address);
  }

  actual(): Omit<Actual, 'attached'> {
    return {
      ports: this.#ports,
      vlans: this.#vlans,
      vlanEgress: this.#vlanEgress,
      own: this.#own,
      egress: new Set(this.#maps().txPorts.keys()),
      able: new Set(this.#maps().ablePorts.keys()),
    };
  }

  /** Before `operations` enter addresses, and with those that are about to go: a filter may only ask for too much. */
  filter(own: ReadonlySet<number>, operations: readonly { readonly kind: string }[]): void {
    if (this.#filtered && !operations.some(({ kind }) => kind === 'add-own' || kind === 'remove-own')) return;
    writeStrangers(this.#maps().strangers, [...this.#own, ...own]);
    this.#filtered = true;
  }

  apply(operation: MapOperation): void {
    const maps = this.#maps();
    switch (operation.kind) {
      case 'write-port':
        maps.ports.set(operation.ifindex, operation.port);
        this.#ports.set(operation.ifindex, operation.port);
        break;
      case 'clear-port':
        maps.ports.set(operation.ifindex, noPort);
        this.#ports.delete(operation.ifindex);
        break;
      case 'write-vlan':
        maps.vlans.set(operation.key, operation.ifindex);
        this.#vlans.set(keyText(operation.key), { key: operation.key, ifindex: operation.ifindex });
        break;
      case 'clear-vlan':
        maps.vlans.delete(operation.key);
        this.#vlans.delete(keyText(operation.key));
        break;
      case 'write-vlan-egress':
        maps.vlanEgress.set(operation.ifindex, operation.egress);
        this.#vlanEgress.set(operation.ifindex, operation.egress);
        break;
      case 'clear-vlan-egress':
        maps.vlanEgress.set(operation.ifindex, noEgress);
        this.#vlanEgress.delete(operation.ifindex);
        break;
      case 'add-egress':
        // A device may have vanished since we looked: the event that says so is on its way.
        ignoreGone(() => maps.txPorts.set(operation.ifindex, operation.ifindex));
        break;
      case 'remove-egress':
        maps.txPorts.delete(operation.ifindex);
        break;
      case 'add-able':
        ignoreGone(() => maps.ablePorts.set(operation.ifindex, operation.ifindex));
        break;
      case 'remove-able':
        maps.ablePorts.delete(operation.ifindex);
        break;
      case 'add-own':
        maps.ownV4.set(operation.address, 1);
        this.#own.add(operation.address);
        break;
      case 'remove-own':
        maps.ownV4.delete(operation.address);
        this.#own.delete(operation.address);
        break;
    }
  }
}

/** Numbers whose record begins with a word that is not 0: flags of a port, ifindex of an egress. */
function inUse(map: BpfMap<number, unknown>): number[] {
  const view = map.readRange(0, map.maxEntries);
  const used: number[] = [];
  for (let ifindex = 0; ifindex < map.maxEntries; ifindex++)
    if (view.getUint32(ifindex * map.valueStride, true) !== 0) used.push(ifindex);
  return used;
}

function ignoreGone(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof BpfError) || (error.code !== 'EINVAL' && error.code !== 'ENODEV')) throw error;
  }
}
