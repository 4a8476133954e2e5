/** Rules of the operator's: what the fast path would skip is the kernel's at once, is said, and comes back when it goes. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ends, type Headrace, headrace, Lab, type RoutedPair, routedPair, until } from './library/index.ts';

const config = (more: object = {}, entry: object = {}): object => ({
  version: 1,
  dataplane: { interfaces: [{ match: 'p*', ...entry }], ...more },
});

interface FirewallState {
  readonly notes: readonly string[];
  readonly parts: {
    readonly firewall: {
      readonly claims: readonly {
        interface: string;
        direction: string;
        cause: string;
        where: string;
        action: string;
      }[];
    };
  };
}

describe("the operator's rules", () => {
  let lab: Lab;
  let pair: RoutedPair;
  let box: Headrace;

  beforeAll(async () => {
    lab = new Lab('firewall');
    pair = routedPair(lab);
    box = await headrace(pair.box, config());
    send(); // neighbors are resolved
  });
  afterAll(() => lab?.cleanup());

  /** Twenty echo requests to the server: how many were answered. */
  function send(): number {
    const ping = ['ping', '-q', '-c', '20', '-i', '0.002', '-W', '1', ends[4].destination];
    return Number(/(\d+) received/.exec(pair.client.exec(ping, { mayFail: true }).stdout)?.[1]);
  }

  /** Of twenty echo requests: answered, and taken by the fast path. */
  function passage(): { readonly answered: number; readonly fast: number } {
    const before = box.packets({ interface: 'p0', reason: 'forwarded' });
    const answered = send();
    return { answered, fast: box.packets({ interface: 'p0', reason: 'forwarded' }) - before };
  }

  const claims = async (): Promise<FirewallState['parts']['firewall']['claims']> =>
    (await box.ask<FirewallState>('/status')).parts.firewall.claims;
  const nft = (rules: string): void => void pair.box.exec(['nft', '-f', '-'], { input: rules });

  /** Waits until a claim of that cause is there, or none is. */
  const claimed = (cause: string): Promise<unknown> =>
    until(`a claim by ${cause}`, async () => (await claims()).some((claim) => claim.cause === cause));
  const free = (): Promise<unknown> => until('no claim', async () => (await claims()).length === 0);

  beforeEach(free);

  it('a drop added to nftables stops the traffic, and its removal brings the fast path back', async () => {
    expect(passage()).toEqual({ answered: 20, fast: 20 });
    nft('table inet filter { chain forward { type filter hook forward priority 0; ip daddr 10.0.2.2 drop; }; }');
    await claimed('nftables');
    expect(passage()).toEqual({ answered: 0, fast: 0 });
    const { notes } = await box.ask<FirewallState>('/status');
    expect(notes.join('\n')).toMatch(/chain inet filter forward.*p0, p1/);
    expect(box.metrics()).toMatch(
      /headrace_firewall_claims\{interface="p0",direction="in",cause="nftables",action="kernel"\} 1/,
    );
    expect(box.packets({ interface: 'p0', reason: 'netfilter' })).toBeGreaterThanOrEqual(20);
    nft('delete table inet filter');
    await free();
    expect(passage()).toEqual({ answered: 20, fast: 20 });
  });

  it('a rule bound to one interface leaves the others on the fast path', async () => {
    nft('table ip t { chain f { type filter hook forward priority 0; iifname "p1" tcp dport 9 drop; }; }');
    await claimed('nftables');
    expect(await claims()).toMatchObject([{ interface: 'p1', direction: 'in' }]);
    expect(passage()).toEqual({ answered: 20, fast: 20 });
    nft('delete table ip t');
  });

  it('rules on the way in to this host, and chains without rules, concern nobody', async () => {
    nft(`table inet own { chain input { type filter hook input priority 0; policy drop; ct state established,related accept; iifname "lo" accept; tcp dport { 22, 179 } accept; }
         chain forward { type filter hook forward priority 0; policy accept; }; }`);
    nft('table inet seen { chain m { type filter hook forward priority 0; iifname "p1" counter; }; }');
    await claimed('nftables'); // the second one shows that the first was read
    expect((await claims()).map(({ where }) => where)).toEqual(['chain inet seen m (forward)']);
    nft('delete table inet own\ndelete table inet seen');
  });

  it('a policy of drop, a NAT rule, and a chain of a device on either side', async () => {
    nft('table ip t { chain f { type filter hook forward priority 0; policy drop; }; }');
    await claimed('nftables');
    expect(passage()).toEqual({ answered: 0, fast: 0 });
    nft(
      'delete table ip t\ntable ip n { chain p { type nat hook postrouting priority 100; oifname "p1" masquerade; }; }',
    );
    await claimed('nat');
    expect((await claims()).map((claim) => claim.interface)).toEqual(['p0', 'p1']);
    nft(
      'delete table ip n\ntable netdev d { chain e { type filter hook egress device "p1" priority 0; ip daddr 10.0.2.2 drop; }; }',
    );
    await until('a claim on what leaves', async () => (await claims()).some(({ direction }) => direction === 'out'));
    expect(await claims()).toMatchObject([{ interface: 'p1', direction: 'out', cause: 'nftables' }]);
    expect(passage()).toEqual({ answered: 0, fast: 0 });
    nft('delete table netdev d');
  });

  it.each(['iptables-nft', 'iptables-legacy'] as const)('a rule of %s', async (iptables) => {
    const rule = ['FORWARD', '-d', '10.0.2.2', '-j', 'DROP'];
    pair.box.exec([iptables, '-A', ...rule]);
    await claimed(iptables === 'iptables-nft' ? 'nftables' : 'iptables');
    expect(passage()).toEqual({ answered: 0, fast: 0 });
    pair.box.exec([iptables, '-D', ...rule]);
    await free();
    pair.box.exec([iptables, '-A', 'FORWARD', '-i', 'p1', '-d', '192.0.2.1', '-j', 'DROP']);
    await until('a claim', async () => (await claims()).length > 0);
    expect(await claims()).toMatchObject([{ interface: 'p1', direction: 'in' }]);
    pair.box.exec([iptables, '-F', 'FORWARD']);
    await free();
    expect(passage()).toEqual({ answered: 20, fast: 20 });
  });

  it('a policy rule by mark, a filter of traffic control, a shaper, and an IPsec policy', async () => {
    pair.box.ip('rule add fwmark 7 table 100');
    await claimed('rule');
    expect(passage()).toEqual({ answered: 20, fast: 0 });
    pair.box.ip('rule del fwmark 7 table 100');
    await free();
    pair.box.ip('rule add from 10.0.1.0/24 table main priority 500'); // followed by the lookup itself
    pair.box.exec(['tc', 'qdisc', 'add', 'dev', 'p0', 'clsact']);
    pair.box.exec([
      'tc',
      'filter',
      'add',
      'dev',
      'p0',
      'ingress',
      'protocol',
      'ip',
      'u32',
      'match',
      'u32',
      '0',
      '0',
      'classid',
      '1:1',
    ]);
    await claimed('traffic_control');
    expect(await claims()).toMatchObject([{ interface: 'p0', direction: 'in' }]);
    expect(passage()).toEqual({ answered: 20, fast: 0 });
    pair.box.exec(['tc', 'qdisc', 'del', 'dev', 'p0', 'clsact']);
    await free();
    pair.box.exec([
      'tc',
      'qdisc',
      'add',
      'dev',
      'p1',
      'root',
      'tbf',
      'rate',
      '1gbit',
      'burst',
      '1mb',
      'latency',
      '50ms',
    ]);
    await claimed('traffic_control');
    expect(await claims()).toMatchObject([{ interface: 'p1', direction: 'out' }]);
    expect(passage()).toEqual({ answered: 20, fast: 0 });
    pair.box.exec(['tc', 'qdisc', 'del', 'dev', 'p1', 'root']);
    await free();
    pair.box.ip('xfrm policy add src 10.0.1.0/24 dst 10.0.2.0/24 dir fwd action block');
    await claimed('ipsec');
    pair.box.ip('xfrm policy flush');
    await free();
    expect(passage()).toEqual({ answered: 20, fast: 20 });
  });

  it('is skipped where the operator says so, and that is said too', async () => {
    box.configure(config({}, { netfilter: 'bypass' }));
    await box.reload();
    nft('table ip t { chain f { type filter hook forward priority 0; policy drop; }; }');
    await claimed('nftables');
    expect((await claims()).map(({ action }) => action)).toEqual(['bypass', 'bypass']);
    expect((await box.ask<FirewallState>('/status')).notes.join('\n')).toMatch(/does not apply/);
    expect(passage()).toEqual({ answered: 20, fast: 20 });
    box.configure(config({ netfilter: 'detect' }));
    await box.reload();
    expect(passage()).toEqual({ answered: 0, fast: 0 });
    nft('delete table ip t');
  });

  it('on_daemon_loss: kernel leaves all to the kernel when the daemon is killed', async () => {
    box.configure(config({ on_daemon_loss: 'kernel' }));
    await box.reload();
    await until('the fast path', () => passage().fast === 20);
    await box.kill();
    nft('table ip t { chain f { type filter hook forward priority 0; ip daddr 10.0.2.2 drop; }; }');
    await until('the lease to run out', () => send() === 0, { everyMs: 500 });
    nft('delete table ip t');
    expect(send()).toBe(20);
    await box.start();
    await until('the fast path again', () => passage().fast === 20, { everyMs: 300 });
    expect(box.packets({ interface: 'p0', reason: 'daemon_lost' })).toBeGreaterThanOrEqual(20);
  });
});
