/**
 * Reads the nftables ruleset from the kernel, and hears of changes (nfnetlink, subsystem nf_tables). No `nft` needed.
 *
 * A transaction ends with a new generation, which is what is waited for; changes of set elements alone are none of
 * ours. Integers are in network byte order here, unlike in rtnetlink. Chains and rules are read one after the other:
 * when the generation changed between, both are read again. Needs CAP_NET_ADMIN.
 */
import { AttributeTable, AttributeWriter } from '../../netlink/attributes.ts';
import { MulticastSocket, NetlinkError, RequestSocket } from '../../netlink/index.ts';
import type { Chain, Expression, Family, Rule, Ruleset, Verdict } from './ruleset.ts';

const NETLINK_NETFILTER = 12;
const NFNLGRP_NFTABLES = 7;
const SUBSYSTEM = 10 << 8;
const HEADER_SIZE = 4;
const message = { getTable: 1, getChain: 4, getRule: 7, newGeneration: 15, getGeneration: 16 } as const;
const families: ReadonlyMap<number, Family> = new Map([
  [1, 'inet'],
  [2, 'ip'],
  [3, 'arp'],
  [5, 'netdev'],
  [7, 'bridge'],
  [10, 'ip6'],
]);
const ipHooks = ['prerouting', 'input', 'forward', 'output', 'postrouting', 'ingress'] as const;
const deviceHooks = ['ingress', 'egress'] as const;
const verdicts: ReadonlyMap<number, Verdict['kind']> = new Map([
  [0, 'drop'],
  [1, 'accept'],
  [-3, 'jump'],
  [-4, 'goto'],
]);
const TABLE_DORMANT = 1;
const ATTEMPTS = 8;
/** The kernel has no nf_tables, or a socket of the wrong kind of kernel. */
const absent: ReadonlySet<string> = new Set(['EINVAL', 'EOPNOTSUPP', 'EPROTONOSUPPORT', 'ENOENT']);

export class NftablesReader implements Disposable {
  readonly #requests: RequestSocket;

  private constructor(requests: RequestSocket) {
    this.#requests = requests;
  }

  /** Undefined where the kernel has no nfnetlink. @throws NetlinkError */
  static open(): NftablesReader | undefined {
    try {
      return new NftablesReader(RequestSocket.open({ protocol: NETLINK_NETFILTER }));
    } catch (error) {
      if (error instanceof NetlinkError && absent.has(error.code)) return undefined;
      throw error;
    }
  }

  /** Undefined where the kernel has no nf_tables. @throws NetlinkError when it cannot be read. */
  read(): Ruleset | undefined {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = this.#generation();
      if (before === undefined) return undefined;
      const dormant = this.#dormantTables();
      const inUse = ({ family, table }: Chain | Rule): boolean => !dormant.has(`${family} ${table}`);
      const chains = this.#dump('list nftables chains', message.getChain, readChain).filter(inUse);
      const rules = chains.some(({ base }) => base)
        ? this.#dump('list nftables rules', message.getRule, readRule).filter(inUse)
        : [];
      if (this.#generation() === before) return { chains, rules };
    }
    throw new NetlinkError('read the nftables ruleset', 'DUMP_INTERRUPTED');
  }

  #generation(): number | undefined {
    let id: number | undefined;
    try {
      this.#requests.request(
        'get nftables generation',
        SUBSYSTEM | message.getGeneration,
        0,
        body(),
        (view, start, end) => {
          id = new AttributeTable().parse(view, start + HEADER_SIZE, end).u32be(1);
        },
      );
    } catch (error) {
      if (error instanceof NetlinkError && absent.has(error.code)) return undefined;
      throw error;
    }
    return id;
  }

  #dormantTables(): Set<string> {
    const tables = this.#dump('list nftables tables', message.getTable, (view, start, end) => {
      const a = new AttributeTable().parse(view, start + HEADER_SIZE, end);
      return (a.u32be(2) ?? 0) & TABLE_DORMANT ? `${familyAt(view, start)} ${a.string(1)}` : undefined;
    });
    return new Set(tables);
  }

  #dump<T>(action: string, type: number, read: (view: DataView, start: number, end: number) => T | undefined): T[] {
    let items: T[] = [];
    this.#requests.dump(
      action,
      SUBSYSTEM | type,
      body(),
      (view, start, end) => {
        const item = read(view, start, end);
        if (item !== undefined) items.push(item);
      },
      () => {
        items = [];
      },
    );
    return items;
  }

  close(): void {
    this.#requests.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Calls `onChange` when the ruleset may have changed. @throws NetlinkError */
export function followNftables(onChange: () => void): MulticastSocket {
  return MulticastSocket.open({
    protocol: NETLINK_NETFILTER,
    groups: [NFNLGRP_NFTABLES],
    onOverrun: onChange,
    onMessage: (_view, type) => {
      if (type === (SUBSYSTEM | message.newGeneration)) onChange();
    },
  });
}

/** struct nfgenmsg: family (0: all), version, resource id. */
function body(): AttributeWriter {
  return new AttributeWriter().header(HEADER_SIZE);
}

function familyAt(view: DataView, start: number): Family | undefined {
  return families.get(view.getUint8(start));
}

function readChain(view: DataView, start: number, end: number): Chain | undefined {
  const family = familyAt(view, start);
  const a = new AttributeTable().parse(view, start + HEADER_SIZE, end);
  const [table, name] = [a.string(1), a.string(3)];
  if (!family || table === undefined || name === undefined) return undefined;
  const hook = a.nested(4);
  if (!hook) return { family, table, name, base: undefined };
  const number = hook.u32be(1) ?? 0;
  const devices: string[] = [];
  const one = hook.string(3);
  if (one) devices.push(one);
  hook.each(4, (type, at, length) => {
    // NFTA_DEVICE_NAME, or since 6.16 NFTA_DEVICE_PREFIX
    const text = textAt(view, at, length);
    if (type === 1 && !devices.includes(text)) devices.push(text);
    if (type === 2) devices.push(`${text}*`);
  });
  return {
    family,
    table,
    name,
    base: {
      hook: (family === 'netdev' ? deviceHooks : ipHooks)[number] ?? `hook ${number}`,
      type: a.string(7) ?? 'filter',
      dropsByPolicy: a.u32be(5) === 0,
      devices,
    },
  };
}

function readRule(view: DataView, start: number, end: number): Rule | undefined {
  const family = familyAt(view, start);
  const a = new AttributeTable().parse(view, start + HEADER_SIZE, end);
  const [table, chain] = [a.string(1), a.string(2)];
  if (!family || table === undefined || chain === undefined) return undefined;
  const expressions: Expression[] = [];
  a.each(4, (_type, at, length) => {
    expressions.push(readExpression(new AttributeTable().parse(view, at, at + length)));
  });
  return { family, table, chain, expressions };
}

function readExpression(a: AttributeTable): Expression {
  const kind = a.string(1) ?? '';
  const data = a.nested(2) ?? new AttributeTable();
  switch (kind) {
    case 'meta':
      return { name: 'meta', key: data.u32be(2) ?? 0, loads: data.u32be(1) };
    case 'cmp':
      return {
        name: 'cmp',
        register: data.u32be(1) ?? 0,
        equal: data.u32be(2) === 0,
        value: data.nested(3)?.bytes(1) ?? new Uint8Array(0),
      };
    case 'immediate':
      return { name: 'immediate', verdict: readVerdict(data.nested(2)?.nested(2)) };
    case 'lookup':
      return { name: 'lookup', decides: data.u32be(3) === 0 };
    default:
      // Payload and extension header are written from a source register: attribute 5, resp. 7.
      return { name: 'other', kind, writes: data.has(kind === 'payload' ? 5 : kind === 'exthdr' ? 7 : 127) };
  }
}

function readVerdict(a: AttributeTable | undefined): Verdict | undefined {
  const code = a?.u32be(1);
  if (code === undefined) return undefined;
  return { kind: verdicts.get(code | 0) ?? 'other', chain: a?.string(2) };
}

function textAt(view: DataView, at: number, length: number): string {
  const text = Buffer.from(view.buffer, view.byteOffset + at, length).toString('utf8');
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}
