/**
 * The operator's rules: what the fast path would skip goes to the kernel, at once, and is said.
 *
 * Ports ask at every refresh; a change that is announced has them asked again within milliseconds.
 */
import { type Claim, claimsOf, Firewall } from '../../../controlplane/firewall/index.ts';
import type { Link } from '../../../controlplane/netlink/index.ts';
import type { PortDecision } from '../../../controlplane/ports/index.ts';
import type { Collectors } from '../../../monitoring/index.ts';
import { bypassesNetfilter } from '../../config/netfilter.ts';
import type { Config } from '../../config/schema/index.ts';
import type { Part, PartContext, PartDefinition } from '../part.ts';
import { type FirewallStatus, firewallNotes, firewallProblems, type StatedClaim } from './firewall-report.ts';

class FirewallPart implements Part {
  readonly name = 'firewall';
  readonly #firewall: Firewall;
  #config: Config | undefined;
  #claims: readonly StatedClaim[] = [];

  constructor({ ports, requestRefresh }: PartContext) {
    this.#firewall = new Firewall(() => requestRefresh('firewall'));
    ports.follow((ours, links) => this.#decide(ours, links));
  }

  /** The first configuration is needed before it is applied: ports are attached in between. */
  check(config: Config): void {
    this.#config ??= config;
  }

  apply(config: Config): void {
    this.#config = config;
  }

  tick(): void {
    this.#firewall.poll();
  }

  #decide(ports: readonly Link[], links: readonly Link[]): PortDecision {
    const names = new Map(ports.map(({ index, name }) => [index, name]));
    this.#claims = claimsOf(this.#firewall.findings(ports, links), ports, links).map((claim) =>
      this.#stated(claim, names.get(claim.ifindex) ?? ''),
    );
    const enforced = (side: 'in' | 'out'): Set<number> =>
      new Set(this.#claims.flatMap((claim) => (claim.side === side && !claim.bypassed ? [claim.ifindex] : [])));
    return {
      toKernel: enforced('in'),
      notOut: enforced('out'),
      needsDaemon: this.#config?.dataplane.on_daemon_loss === 'kernel',
    };
  }

  #stated(claim: Claim, name: string): StatedClaim {
    return { ...claim, name, bypassed: this.#config !== undefined && bypassesNetfilter(this.#config, name) };
  }

  problems(): readonly string[] {
    return firewallProblems(this.#claims);
  }

  notes(): readonly string[] {
    return firewallNotes(this.#claims, Object.keys(this.#config?.services ?? {}).length > 0);
  }

  status(): FirewallStatus {
    return {
      netfilter: this.#config?.dataplane.netfilter ?? 'detect',
      onDaemonLoss: this.#config?.dataplane.on_daemon_loss ?? 'keep',
      claims: this.#claims.map(({ name, side, cause, where, bypassed }) => ({
        interface: name,
        direction: side,
        cause,
        where,
        action: bypassed ? 'bypass' : 'kernel',
      })),
    };
  }

  metrics(): Collectors {
    return {
      firewallClaims: () => {
        const labels = this.#claims.map(({ name, side, cause, bypassed }) => ({
          interface: name,
          direction: side,
          cause,
          action: bypassed ? 'bypass' : 'kernel',
        }));
        const distinct = new Map(labels.map((label) => [JSON.stringify(label), label]));
        return [...distinct.values()].map((label) => ({ labels: label, value: 1 }));
      },
    };
  }

  close(): void {
    this.#firewall.close();
  }
}

export const firewallPart: PartDefinition = { create: (context) => new FirewallPart(context) };
