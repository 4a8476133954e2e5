/**
 * Traffic control: filters on what comes in and goes out (qdiscs `ingress` and `clsact`, and BPF programs attached by
 * tcx), and queueing disciplines an operator put on an interface to shape what leaves.
 *
 * What the kernel puts there by itself (`mq`, `fq_codel`, `noqueue`, …) orders packets and decides about none, so it is
 * no finding.
 */
import { isOwnTcx } from '../bpf/index.ts';
import * as libbpf from '../bpf/libbpf.ts';
import { AttributeTable, AttributeWriter, littleEndian } from '../netlink/attributes.ts';
import { NetlinkError, type RequestSocket } from '../netlink/index.ts';
import type { Finding } from './finding.ts';

const RTM_GETQDISC = 38;
const RTM_GETTFILTER = 46;
/** rtnetlink group of qdisc and filter changes. */
export const RTNLGRP_TC = 4;
const TCMSG_SIZE = 20;
const TCA_KIND = 1;
/** TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS) and …EGRESS */
const parents = { in: 0xfffffff2, out: 0xfffffff3 } as const;
/** BPF_TCX_INGRESS, BPF_TCX_EGRESS */
const tcx = { in: 46, out: 47 } as const;
const harmless: ReadonlySet<string> = new Set([
  ...['noqueue', 'pfifo', 'bfifo', 'pfifo_fast', 'pfifo_head_drop', 'mq', 'multiq', 'fq', 'fq_codel', 'codel', 'sfq'],
  ...['mqprio', 'ingress', 'clsact', 'fq_pie', 'pie'],
]);

/** A queueing discipline of an interface. */
export interface Qdisc {
  readonly ifindex: number;
  readonly kind: string;
}

/** What a look at traffic control found of an interface. */
export interface TrafficControl {
  readonly qdiscs: readonly string[];
  readonly filters: { readonly in: boolean; readonly out: boolean };
}

export function trafficControlFindings(name: string, found: TrafficControl): Finding[] {
  const findings: Finding[] = [];
  const add = (side: 'in' | 'out', where: string): void => {
    findings.push({ cause: 'traffic_control', where, scope: [{ side, name }] });
  };
  if (found.filters.in) add('in', `filters on what comes in by ${name} (tc filter show dev ${name} ingress)`);
  if (found.filters.out) add('out', `filters on what leaves by ${name} (tc filter show dev ${name} egress)`);
  const shaping = found.qdiscs.filter((kind) => !harmless.has(kind));
  if (shaping.length > 0) add('out', `queueing discipline ${shaping[0]} on ${name} (tc qdisc show dev ${name})`);
  return findings;
}

/** Looks at these interfaces. @throws NetlinkError */
export function readTrafficControl(
  requests: RequestSocket,
  interfaces: readonly { readonly index: number; readonly name: string }[],
): Finding[] {
  const qdiscs = readQdiscs(requests);
  return interfaces.flatMap(({ index, name }) => {
    const kinds = qdiscs.filter(({ ifindex }) => ifindex === index).map(({ kind }) => kind);
    const clsact = kinds.includes('clsact');
    const filters = {
      in: ((clsact || kinds.includes('ingress')) && hasFilters(requests, index, parents.in)) || hasTcx(index, tcx.in),
      out: (clsact && hasFilters(requests, index, parents.out)) || hasTcx(index, tcx.out),
    };
    return trafficControlFindings(name, { qdiscs: kinds, filters });
  });
}

function readQdiscs(requests: RequestSocket): Qdisc[] {
  let qdiscs: Qdisc[] = [];
  requests.dump(
    'list queueing disciplines',
    RTM_GETQDISC,
    header(0, 0),
    (view, start, end) => {
      const kind = new AttributeTable().parse(view, start + TCMSG_SIZE, end).string(TCA_KIND);
      if (kind !== undefined) qdiscs.push({ ifindex: view.getInt32(start + 4, littleEndian), kind });
    },
    () => {
      qdiscs = [];
    },
  );
  return qdiscs;
}

function hasFilters(requests: RequestSocket, ifindex: number, parent: number): boolean {
  let found = false;
  try {
    requests.dump(
      `list filters of interface ${ifindex}`,
      RTM_GETTFILTER,
      header(ifindex, parent),
      () => {
        found = true;
      },
      () => {
        found = false;
      },
    );
  } catch (error) {
    // The interface, or its qdisc, has just gone.
    if (error instanceof NetlinkError && ['ENODEV', 'EINVAL', 'ENOENT'].includes(error.code)) return false;
    throw error;
  }
  return found;
}

/** struct tcmsg: family, padding, ifindex, handle, parent, info. */
function header(ifindex: number, parent: number): AttributeWriter {
  return new AttributeWriter().header(TCMSG_SIZE, (view, at) => {
    view.setInt32(at + 4, ifindex, littleEndian);
    view.setUint32(at + 12, parent, littleEndian);
  });
}

/** Which of the interfaces have programs attached by tcx: of those, alone in traffic control, the kernel tells nobody. */
export function tcxPrograms(interfaces: readonly { readonly index: number }[]): string {
  return interfaces
    .flatMap(({ index }) =>
      (['in', 'out'] as const).flatMap((side) => (hasTcx(index, tcx[side]) ? [`${index} ${side}`] : [])),
    )
    .join();
}

/** Programs attached by tcx (kernel 6.6), but for those of this process; none on kernels that do not know it. */
function hasTcx(ifindex: number, type: number): boolean {
  const ids = new Uint32Array(64);
  const count = new Uint32Array([ids.length]);
  return (
    libbpf.progQuery(ifindex, type, 0, null, ids, count) === 0 && ids.subarray(0, count[0]).some((id) => !isOwnTcx(id))
  );
}
