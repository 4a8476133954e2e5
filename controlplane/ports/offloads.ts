/**
 * Offloads that come before XDP and spoil what it sees, switched off on every port.
 *
 * A card that strips VLAN tags (rxvlan) hands up frames that look untagged: the packet path would take one VLAN's
 * packets for another's. A card that merges packets (LRO, rx-gro-hw) makes frames that nobody sent. What cannot be
 * switched off is said, and where tags may be missing, frames that look untagged go to the kernel, which knows.
 *
 * veth has no card, but a frame from a VLAN interface at its far end keeps its tag beside the frame (txvlan), where XDP
 * does not look. That is the far end's to switch off, and cannot even be seen when it is in another namespace.
 *
 * What was switched off stays off when Headrace goes: putting it back could reset the card under traffic.
 */
import type { Link } from '../netlink/index.ts';
import { offloadsOf, switchOffloadsOff } from './ethtool.ts';
import type { Stack } from './stack.ts';

export interface OffloadState {
  /** Why frames that look untagged may have had a tag; undefined when they cannot. */
  readonly hidesTags: string | undefined;
  /** Why frames may be several packets merged; undefined when they are not. */
  readonly merges: string | undefined;
  /** What was switched off just now, by the kernel's names. */
  readonly switchedOff: readonly string[];
}

const stripping = ['rx-vlan-hw-parse', 'rx-vlan-stag-hw-parse'];
const merging = ['rx-lro', 'rx-gro-hw'];

/** The offloads of a driver, for tests to replace. */
export interface OffloadDriver {
  readonly offloadsOf: (name: string) => Readonly<Record<string, boolean>> | undefined;
  readonly switchOff: (name: string, offloads: readonly string[]) => void;
}

const kernelDriver: OffloadDriver = { offloadsOf, switchOff: switchOffloadsOff };

/** Switches off what is in the way, and says what is left of it. */
export function settleOffloads(link: Link, stack: Stack, driver: OffloadDriver = kernelDriver): OffloadState {
  const unwanted = [...stripping, ...merging];
  const before = active(driver, link.name, unwanted);
  if (before.length > 0) driver.switchOff(link.name, before);
  const left = before.length > 0 ? active(driver, link.name, before) : [];
  const strips = left.filter((name) => stripping.includes(name));
  const merges = left.filter((name) => merging.includes(name));
  return {
    hidesTags:
      strips.length > 0
        ? `its driver takes VLAN tags off before XDP and does not let that be switched off (${strips.join(', ')})`
        : hiddenByFarEnd(link, stack, driver),
    merges:
      merges.length > 0
        ? `its driver merges packets and does not let that be switched off (${merges.join(', ')}): forwarded packets may be larger than any that was sent`
        : undefined,
    switchedOff: before.filter((name) => !left.includes(name)),
  };
}

function active(driver: OffloadDriver, name: string, offloads: readonly string[]): string[] {
  const all = driver.offloadsOf(name);
  return all ? offloads.filter((offload) => all[offload]) : [];
}

/** Asked only where VLAN interfaces are: whoever has none on a port has no use for its tags. */
function hiddenByFarEnd(link: Link, stack: Stack, driver: OffloadDriver): string | undefined {
  if (link.kind !== 'veth' || !stack.carriesVlans(link.index)) return undefined;
  const far = link.linkNetnsId === undefined ? stack.link(link.linkIndex ?? 0) : undefined;
  if (!far)
    return 'its far end is in another network namespace, from where a tag may come beside the frame (txvlan), which XDP does not see';
  if (active(driver, far.name, ['tx-vlan-hw-insert', 'tx-vlan-stag-hw-insert']).length === 0) return undefined;
  return `its far end ${far.name} sends tags beside the frame, which XDP does not see: run "ethtool -K ${far.name} txvlan off tx-vlan-stag-hw-insert off"`;
}
