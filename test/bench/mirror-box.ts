/**
 * A router with a full table that a real BIRD puts into its kernel, in protocols that come and go: most routes stay, some
 * are to be withdrawn, some flap. And the question that everything here is about: does the loaded program send packets
 * where the kernel would?
 */
import { setTimeout as delay } from 'node:timers/promises';
import { threadCpuMs } from '../../controlplane/bpf/libc.ts';
import { formatIp, formatPrefix, RouteNetlink } from '../../controlplane/netlink/index.ts';
import { countRoutes, dumpRoutes } from '../../controlplane/routing/mirror/route-dump.ts';
import { mainTable } from '../../controlplane/routing/rib/index.ts';
import {
  Bird,
  fullTableBox,
  gateway,
  gatewayMac,
  gatewaysPerPort,
  type Host,
  type Lab,
  type Prober,
  until,
} from '../lab/library/index.ts';
import { coveredAddresses, type SyntheticRoutes, syntheticRoutes } from './synthetic-routes.ts';
import type { TrustWatch } from './trust-watch.ts';

const ports = 4;
/** One route in so many is withdrawn, one in so many flaps. */
export const shares = { gone: 12, flap: 120 } as const;
/** The kernel's answer counts when it was the same so long before and after. */
const STABLE_MS = 50;
/** From a flap to the next. */
const FLAP_MS = 1000;

type Kind = 'stay' | 'gone' | 'flap';

/** Which protocol a route is of. */
function kindOf(index: number): Kind {
  if (index % shares.gone === 5) return 'gone';
  return index % shares.flap === 7 ? 'flap' : 'stay';
}

export interface Comparison {
  readonly probes: number;
  /** Probes whose answer was not the kernel's although that was stable. */
  readonly wrong: number;
  /** Probes that the kernel's own answer changed around. */
  readonly unstable: number;
  readonly examples: readonly string[];
}

export interface Storm {
  /** Until the kernel's answers did not change any more. */
  readonly stormMs: number;
  /** From then until the tables were valid for good. */
  readonly validMs: number;
  /** How long they were not, altogether. */
  readonly invalidMs: number;
}

/** A storm is over when nothing changed for so long. */
const QUIET_MS = 2500;

export class MirrorBox {
  readonly host: Host;
  readonly tables: readonly SyntheticRoutes[];
  readonly bird: Bird;

  private constructor(host: Host, tables: readonly SyntheticRoutes[], bird: Bird) {
    this.host = host;
    this.tables = tables;
    this.bird = bird;
  }

  /** Resolves when the kernel has all routes. */
  static async make(lab: Lab, ipv4: number, ipv6: number): Promise<MirrorBox> {
    const { box } = fullTableBox(lab);
    const tables = [
      syntheticRoutes(4, ipv4, ports * gatewaysPerPort),
      syntheticRoutes(6, ipv6, ports * gatewaysPerPort),
    ];
    const bird = await Bird.start(box, birdConfig(tables), 'bird', 300_000);
    const made = new MirrorBox(box, tables, bird);
    for (const { words, lengths } of tables) {
      const family = words === 1 ? 4 : 6;
      await until(`${lengths.length} IPv${family} routes`, () => made.count(family) >= lengths.length, {
        timeoutMs: 600_000,
        everyMs: 2000,
      });
    }
    return made;
  }

  /** Routes of the main table. */
  count(family: 4 | 6): number {
    return this.host.inNamespace(() => countRoutes(family, mainTable, 10_000_000));
  }

  /** Milliseconds to read all routes from the kernel and do nothing: by the clock, and of this thread's CPU time. */
  async plainDump(): Promise<{ readonly ms: number; readonly cpuMs: number }> {
    const began = performance.now();
    const cpuBegan = threadCpuMs();
    for (const family of [4, 6] as const) {
      // It never gives way, so this thread is in the box's namespace all the time.
      let done: Promise<unknown> = Promise.resolve();
      this.host.inNamespace(() => {
        done = dumpRoutes({
          family,
          table: mainTable,
          visit: () => {},
          onPart: () => undefined,
          onApplied: () => {},
          cancelled: () => false,
          breathe: () => undefined,
        });
      });
      await done;
    }
    return { ms: performance.now() - began, cpuMs: threadCpuMs() - cpuBegan };
  }

  /** Has BIRD take the protocols' routes away, or put them back. */
  set(kind: 'gone' | 'flap', on: boolean): void {
    for (const family of [4, 6]) this.bird.command(on ? 'enable' : 'disable', `${kind}${family}`);
  }

  /** Takes the flapping routes away and puts them back, once a second each, until `seconds` are over. */
  async flap(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      const began = performance.now();
      this.set('flap', second % 2 === 1);
      await delay(Math.max(0, FLAP_MS - (performance.now() - began)));
    }
  }

  /**
   * Watches the kernel's answers for some addresses from a change on until they stay the same, and whether the tables
   * are trusted.
   */
  async watchStorm(addresses: readonly Uint8Array[], trust: TrustWatch, begun: Promise<unknown>): Promise<Storm> {
    using netlink = this.host.inNamespace(() => RouteNetlink.open());
    const began = performance.now();
    let [lastChange, validSince, invalidMs] = [began, 0, 0];
    let known = '';
    let over = false;
    void begun.finally(() => {
      over = true;
    });
    for (let previous = began; ; ) {
      const now = performance.now();
      const answers = this.kernelAnswers(netlink, addresses).join();
      if (answers !== known) lastChange = now;
      known = answers;
      if (!trust.valid) {
        validSince = 0;
        invalidMs += now - previous;
      } else if (validSince === 0) validSince = now;
      previous = now;
      if (over && validSince !== 0 && now - lastChange > QUIET_MS && now - validSince > QUIET_MS) break;
      await delay(5);
    }
    return { stormMs: lastChange - began, validMs: Math.max(0, validSince - lastChange), invalidMs };
  }

  /** Random addresses below all routes, in the shares of the families. */
  addresses(count: number, seed: number, kind?: Kind): Uint8Array[] {
    const all = this.tables.reduce((sum, { lengths }) => sum + lengths.length, 0);
    return this.tables.flatMap((table) => {
      const routes = kind ? only(table, kind) : table;
      const size = routes.words * 4;
      const own = Math.round((count * table.lengths.length) / all);
      const bytes = coveredAddresses(routes, own, seed);
      return Array.from({ length: own }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
    });
  }

  /** Where the kernel sends packets to these addresses: MAC of the gateway, undefined when it does not send them on. */
  kernelAnswers(netlink: RouteNetlink, addresses: readonly Uint8Array[]): (string | undefined)[] {
    return addresses.map((address) => {
      const answer = netlink.getRoute(address, { fibMatch: true });
      const via = answer.found && answer.route.type === 1 ? answer.route.gateway : undefined;
      return via && gatewayMac(via.length === 4 ? via[2]! : via[3]!, via.at(-1)!);
    });
  }

  /** Compares while nothing changes. */
  compareQuiet(prober: Prober, addresses: readonly Uint8Array[]): Comparison {
    using netlink = this.host.inNamespace(() => RouteNetlink.open());
    const kernel = this.kernelAnswers(netlink, addresses);
    return comparison(addresses, kernel, prober.probe(addresses).map(macOf), kernel);
  }

  /** Compares while routes change: the kernel is asked before and after, a while apart. */
  async compareStable(prober: Prober, addresses: readonly Uint8Array[]): Promise<Comparison> {
    using netlink = this.host.inNamespace(() => RouteNetlink.open());
    const began = performance.now();
    const before = this.kernelAnswers(netlink, addresses);
    await delay(STABLE_MS);
    const program = prober.probe(addresses).map(macOf);
    await delay(STABLE_MS);
    const after = this.kernelAnswers(netlink, addresses);
    // Held up for so long, a route may have gone and come again between the two answers.
    if (performance.now() - began > FLAP_MS / 2) return { probes: 0, wrong: 0, unstable: 0, examples: [] };
    return comparison(addresses, before, program, after);
  }
}

export function sumOf(comparisons: readonly Comparison[]): Comparison {
  return {
    probes: comparisons.reduce((sum, { probes }) => sum + probes, 0),
    wrong: comparisons.reduce((sum, { wrong }) => sum + wrong, 0),
    unstable: comparisons.reduce((sum, { unstable }) => sum + unstable, 0),
    examples: comparisons.flatMap(({ examples }) => examples).slice(0, 10),
  };
}

function macOf({ destinationMac }: { readonly destinationMac: string | undefined }): string | undefined {
  return destinationMac;
}

function comparison(
  addresses: readonly Uint8Array[],
  before: readonly (string | undefined)[],
  program: readonly (string | undefined)[],
  after: readonly (string | undefined)[],
): Comparison {
  let [wrong, unstable] = [0, 0];
  const examples: string[] = [];
  for (const [i, address] of addresses.entries()) {
    if (before[i] !== after[i]) unstable++;
    else if (program[i] !== before[i]) {
      wrong++;
      if (examples.length < 10) examples.push(`${formatIp(address)}: ${program[i]}, the kernel ${before[i]}`);
    }
  }
  return { probes: addresses.length, wrong, unstable, examples };
}

/** The routes of one protocol. */
function only(routes: SyntheticRoutes, kind: Kind): SyntheticRoutes {
  const { words } = routes;
  const picked = Array.from(routes.lengths.keys()).filter((i) => kindOf(i) === kind);
  return {
    words,
    addresses: Uint32Array.from(picked.flatMap((i) => [...routes.addresses.subarray(i * words, (i + 1) * words)])),
    lengths: Uint8Array.from(picked, (i) => routes.lengths[i]!),
    hops: Uint16Array.from(picked, (i) => routes.hops[i]!),
  };
}

function birdConfig(tables: readonly SyntheticRoutes[]): string {
  const parts = [
    'log stderr { warning, error, fatal, bug };',
    'router id 10.255.0.1;',
    'protocol device { scan time 10; }',
    'protocol kernel kernel4 { scan time 3600; ipv4 { export all; import none; }; }',
    'protocol kernel kernel6 { scan time 3600; ipv6 { export all; import none; }; }',
  ];
  for (const routes of tables) {
    const family = routes.words === 1 ? 4 : 6;
    const lines: Record<Kind, string[]> = { stay: [], gone: [], flap: [] };
    for (let i = 0; i < routes.lengths.length; i++) {
      const hop = routes.hops[i]!;
      const via = gateway(hop % ports, 1 + Math.floor(hop / ports), family);
      const bytes = new DataView(new ArrayBuffer(routes.words * 4));
      for (let word = 0; word < routes.words; word++)
        bytes.setUint32(word * 4, routes.addresses[i * routes.words + word]!);
      const prefix = formatPrefix(new Uint8Array(bytes.buffer), routes.lengths[i]!);
      lines[kindOf(i)].push(`route ${prefix} via ${via};`);
    }
    for (const kind of ['stay', 'gone', 'flap'] as const)
      parts.push(`protocol static ${kind}${family} {\nipv${family};\n${lines[kind].join('\n')}\n}`);
  }
  return `${parts.join('\n')}\n`;
}
