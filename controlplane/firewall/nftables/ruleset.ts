/** An nftables ruleset, as far as it must be understood to say whose packets it sees. */

export type Family = 'inet' | 'ip' | 'ip6' | 'arp' | 'netdev' | 'bridge';

export interface BaseChain {
  /** As nft calls it: `prerouting`, `input`, `forward`, `output`, `postrouting`, `ingress`, `egress`. */
  readonly hook: string;
  /** `filter`, `nat` or `route`. */
  readonly type: string;
  readonly dropsByPolicy: boolean;
  /** Of netdev chains and inet's ingress. A name that ends in `*` stands for all that begin so. */
  readonly devices: readonly string[];
}

export interface Chain {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  /** Undefined for chains that are only jumped to. */
  readonly base: BaseChain | undefined;
}

/** A step of a rule. What is not told apart here has its name only. */
export type Expression =
  | { readonly name: 'meta'; readonly key: number; readonly loads: number | undefined }
  | { readonly name: 'cmp'; readonly register: number; readonly equal: boolean; readonly value: Uint8Array }
  | { readonly name: 'immediate'; readonly verdict: Verdict | undefined }
  | { readonly name: 'lookup'; readonly decides: boolean }
  | { readonly name: 'other'; readonly kind: string; readonly writes: boolean };

export interface Verdict {
  readonly kind: 'drop' | 'accept' | 'jump' | 'goto' | 'other';
  readonly chain: string | undefined;
}

export interface Rule {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  readonly expressions: readonly Expression[];
}

export interface Ruleset {
  /** Of tables in use: those that are dormant are left out. */
  readonly chains: readonly Chain[];
  readonly rules: readonly Rule[];
}
