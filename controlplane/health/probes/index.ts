/** From what the configuration asks for to a function that does it. */
import type { Probe } from '../spec.ts';
import { dnsRun } from './dns.ts';
import { httpRun } from './http.ts';
import { IcmpEcho } from './icmp.ts';
import type { Run } from './probe.ts';
import { tcpRun } from './tcp.ts';
import { udpRun } from './udp.ts';

export { dnsCodes, dnsTypes } from './dns.ts';
export type { Destination, Run } from './probe.ts';

/** Makes checks, and holds what they share. */
export class Probes {
  readonly #icmp = new IcmpEcho();

  /** @throws Error for a CA or a pattern that cannot be used. */
  make(probe: Probe): Run {
    switch (probe.kind) {
      case 'tcp':
        return tcpRun(probe);
      case 'http':
      case 'https':
        return httpRun(probe);
      case 'dns':
        return dnsRun(probe);
      case 'udp':
        return udpRun(probe);
      case 'icmp':
        return this.#icmp.run;
    }
  }

  close(): void {
    this.#icmp.close();
  }
}
