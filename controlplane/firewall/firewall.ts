/**
 * Everything the operator has set up in the kernel that forwarded packets would meet there and not in XDP, read at the
 * start and read again when something says that it changed.
 *
 * nftables, traffic control, policy rules and IPsec policies tell of changes; the old iptables and programs attached by
 * tcx do not, and are looked at once a second. What cannot be read is a finding of its own (`unknown`) that concerns all:
 * not knowing is no reason to skip a firewall.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Link } from '../netlink/index.ts';
import { RequestSocket, RouteMonitor, RouteNetlink } from '../netlink/index.ts';
import { MulticastSocket } from '../netlink/multicast-socket.ts';
import { type PortLike, vrfFindings } from './concerned.ts';
import type { Finding } from './finding.ts';
import { followIpsec, ipsecFindings } from './ipsec.ts';
import { iptablesFindings } from './iptables/reader.ts';
import { followNftables, NftablesReader } from './nftables/reader.ts';
import { findingsOf } from './nftables/scope.ts';
import { ruleFindings } from './policy-rules.ts';
import { RTNLGRP_TC, readTrafficControl, tcxPrograms } from './traffic-control.ts';

type Source = 'nftables' | 'iptables' | 'traffic control' | 'policy rules' | 'IPsec policies';

export class Firewall implements Disposable {
  readonly #onChange: () => void;
  readonly #netlink = RouteNetlink.open();
  readonly #requests = RequestSocket.open();
  readonly #nftables: NftablesReader | undefined;
  readonly #monitors: Disposable[] = [];
  readonly #stale = new Set<Source>(['nftables', 'iptables', 'traffic control', 'policy rules', 'IPsec policies']);
  readonly #found = new Map<Source, readonly Finding[]>();
  #ports: readonly PortLike[] = [];
  #tcx = '';

  /** @param onChange something may have changed: call findings() again, soon. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
    try {
      this.#nftables = NftablesReader.open();
      this.#follow();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #follow(): void {
    const changed = (source: Source) => (): void => {
      this.#stale.add(source);
      this.#onChange();
    };
    // Before anything is read: what changes in between is read again.
    if (this.#nftables) this.#monitors.push(followNftables(changed('nftables')));
    const ipsec = followIpsec(changed('IPsec policies'));
    if (ipsec) this.#monitors.push(ipsec);
    this.#monitors.push(
      RouteMonitor.open({
        groups: ['rule4', 'rule6'],
        onEvent: changed('policy rules'),
        onOverrun: changed('policy rules'),
      }),
      MulticastSocket.open({
        groups: [RTNLGRP_TC],
        onMessage: changed('traffic control'),
        onOverrun: changed('traffic control'),
      }),
    );
  }

  /** Looks at what nobody tells of. Calls `onChange` when it found something else than before. Once a second. */
  poll(): void {
    const before = this.#found.get('iptables');
    const now = this.#read('iptables');
    this.#found.set('iptables', now);
    if (!isDeepStrictEqual(now, before)) this.#onChange();
    const tcx = tcxPrograms(this.#ports);
    if (tcx === this.#tcx) return;
    this.#tcx = tcx;
    this.#stale.add('traffic control');
    this.#onChange();
  }

  /** What holds now, for these ports. Reads only what may have changed. */
  findings(ports: readonly PortLike[], links: readonly Link[]): Finding[] {
    if (ports.length !== this.#ports.length || ports.some(({ index }, i) => this.#ports[i]?.index !== index))
      this.#stale.add('traffic control');
    this.#ports = ports;
    const sources = [...this.#stale];
    this.#stale.clear();
    for (const source of sources) {
      this.#found.set(source, this.#read(source));
    }
    return [...[...this.#found.values()].flat(), ...vrfFindings(ports, links)];
  }

  #read(source: Source): readonly Finding[] {
    try {
      switch (source) {
        case 'nftables': {
          const ruleset = this.#nftables?.read();
          return ruleset ? findingsOf(ruleset) : [];
        }
        case 'iptables':
          return iptablesFindings();
        case 'traffic control':
          return readTrafficControl(this.#requests, this.#ports);
        case 'policy rules':
          return ruleFindings(this.#netlink.rules());
        case 'IPsec policies':
          return ipsecFindings();
      }
    } catch (error) {
      this.#stale.add(source); // asked again at the next look
      const reason = error instanceof Error ? error.message : String(error);
      return [{ cause: 'unknown', where: `${source} could not be read (${reason})`, scope: 'all' }];
    }
  }

  close(): void {
    for (const monitor of this.#monitors) monitor[Symbol.dispose]();
    this.#nftables?.close();
    this.#requests.close();
    this.#netlink.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
