/** Which announcements mean that IPv4 routes went, of one address or of many: for the seams of a dump. */
import * as c from '../../netlink/constants.ts';
import { type Link, RouteView } from '../../netlink/index.ts';
import { readLink } from '../../netlink/link.ts';
import { localTable, mainTable } from '../rib/index.ts';
import type { DumpSeams } from './dump-seams.ts';
import type { Applier } from './event-log.ts';

/** Shows `seams` what went; `links`: as they were known before. */
export function seamWatcher(seams: DumpSeams, links: ReadonlyMap<number, Link>): Applier {
  const route = new RouteView();
  return (view, type, _flags, start, end) => {
    switch (type) {
      case c.RTM_DELROUTE:
        if (!route.read(view, start, end) || route.family !== 4) return;
        if (route.table === mainTable || route.table === localTable) seams.deleted(route.word0);
        break;
      case c.RTM_NEWLINK: {
        const link = readLink(view, start, end);
        if (link && mayHaveLost(links.get(link.index), link)) seams.lostMany();
        break;
      }
      case c.RTM_DELADDR:
        if (view.getUint8(start) === c.AF_INET) seams.lostMany();
        break;
      // Rules can part the local table from the main one.
      case c.RTM_NEWRULE:
      case c.RTM_DELRULE:
      case c.RTM_DELLINK:
      case c.RTM_DELNEXTHOP:
        seams.lostMany();
        break;
    }
  };
}

/** Routes go without a message when their interface goes down, or loses its carrier with nexthop objects on it. */
function mayHaveLost(before: Link | undefined, { up, running }: Link): boolean {
  return !before || (before.up && !up) || (before.running && !running);
}
