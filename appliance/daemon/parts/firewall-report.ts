/** What is said about the operator's rules: in the status, in the log, as notes and problems. */
import type { Cause, Claim } from '../../../controlplane/firewall/index.ts';

/** A claim with the port's name, and whether the operator chose to ignore it. */
export interface StatedClaim extends Claim {
  readonly name: string;
  readonly bypassed: boolean;
}

export interface FirewallStatus {
  readonly netfilter: 'detect' | 'bypass';
  readonly onDaemonLoss: 'keep' | 'kernel';
  readonly claims: readonly {
    readonly interface: string;
    readonly direction: 'in' | 'out';
    readonly cause: Cause;
    readonly where: string;
    readonly action: 'kernel' | 'bypass';
  }[];
}

/** What the balancer has to do with rules that are in force. */
const skipped = {
  in: '; packets for VIPs are balanced all the same, past it',
  out: '; packets of services leave all the same, past it',
} as const;
const moves = { in: 'arrives by', out: 'leaves by' } as const;

/**
 * One sentence for each place where rules stand, and what becomes of whose packets.
 * @param balancing packets of services leave by the ports, too: the kernel owns no VIP and could not send them instead
 */
export function firewallNotes(claims: readonly StatedClaim[], balancing = false): string[] {
  const groups = new Map<string, StatedClaim[]>();
  for (const claim of claims) {
    if (claim.cause === 'unknown' && !claim.bypassed) continue;
    const key = `${claim.where} ${claim.side} ${claim.bypassed}`;
    groups.set(key, [...(groups.get(key) ?? []), claim]);
  }
  return [...groups.values()].map((group) => {
    const { where, side, bypassed } = group[0]!;
    const who = `what ${moves[side]} ${group.map(({ name }) => name).join(', ')}`;
    return bypassed
      ? `${where} does not apply to ${who} on the fast path, because netfilter is set to bypass`
      : `${where} is for the kernel to apply, so it handles ${who}: to have the fast path, remove it, or set netfilter to bypass if it may be skipped${balancing ? skipped[side] : ''}`;
  });
}

/** What could not be found out, and is therefore taken for a rule. */
export function firewallProblems(claims: readonly StatedClaim[]): string[] {
  const unknown = claims.filter(({ cause, bypassed }) => cause === 'unknown' && !bypassed);
  return [...new Set(unknown.map(({ where }) => where))].map(
    (where) =>
      `${where}: whether rules would be skipped is not known, so the kernel handles everything; the daemon needs CAP_NET_ADMIN to look`,
  );
}
