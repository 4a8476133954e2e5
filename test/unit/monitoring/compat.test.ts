import { describe, expect, it } from 'vitest';
import type { BgpSession } from '../../../controlplane/routing/bgp-session.ts';
import { secondsSince } from '../../../monitoring/compat/bird.ts';
import { type CompatSources, compatExporter, compatNames } from '../../../monitoring/compat/index.ts';

const session: BgpSession = {
  daemon: 'bird',
  name: 'upstream',
  vrf: undefined,
  neighbor: '10.0.2.2',
  neighborAs: 65002,
  localAs: 65000,
  state: 'established',
  since: '2026-01-02 12:00:00',
  description: undefined,
  lastError: undefined,
  families: [
    { family: 'ipv4', imported: 12, filtered: 3, exported: 4 },
    { family: 'ipv6', imported: undefined, filtered: undefined, exported: 5 },
  ],
};
const frr = (more: Partial<BgpSession>): BgpSession => ({ ...session, daemon: 'frr', name: '10.0.2.2', ...more });
const now = new Date(2026, 0, 2, 12, 1, 0).getTime();

function sources(more: Partial<CompatSources> = {}): CompatSources {
  return {
    sessions: () => [session, frr({ since: new Date(now - 90_000).toISOString() })],
    daemons: () =>
      new Map([
        ['bird', true],
        ['frr', false],
      ]),
    balance: () =>
      ({
        services: [
          {
            name: 'www',
            pool: 'web',
            frontends: [
              { vip: '198.51.100.10/32', protocol: 'tcp', fromPort: 443, toPort: 443 },
              { vip: '2001:db8::/64', protocol: 'any', fromPort: 0, toPort: 0 },
            ],
          },
        ],
        backends: [
          { pool: 'web', spec: { address: '10.0.3.1', port: 0 }, view: { ringWeight: 100 } },
          { pool: 'web', spec: { address: '10.0.3.2', port: 8443 }, view: { ringWeight: 0 } },
          { pool: 'other', spec: { address: '10.0.3.3', port: 0 }, view: { ringWeight: 1 } },
        ],
        traffic: { packets: 10n, bytes: 1000n, flows: 3n },
      }) as unknown as ReturnType<CompatSources['balance']>,
    backends: () => true,
    now: () => now,
    ...more,
  };
}

/** Samples without their comments. */
async function samples(...[names, from]: Parameters<typeof compatExporter>): Promise<string[]> {
  return (await compatExporter(names, from).metrics()).split('\n').filter((line) => line && !line.startsWith('#'));
}

describe('metrics by the names of others', () => {
  it('tell the changes of routes, filters and messages where the daemon does', async () => {
    const families = [
      {
        ...session.families[0]!,
        preferred: 11,
        importFilter: 'from_upstream',
        exportFilter: 'REJECT',
        changes: { 'Import updates': { received: 40, accepted: 12 }, 'Export withdraws': { rejected: 2 } },
      },
    ];
    const bird = await samples(['bird'], sources({ sessions: () => [{ ...session, families }] }));
    const labels = '{name="upstream",proto="BGP",ip_version="4",import_filter="from_upstream",export_filter="REJECT"}';
    expect(bird.filter((line) => line.includes('_changes_') || line.includes('_preferred_'))).toEqual([
      `bird_protocol_prefix_preferred_count${labels} 11`,
      `bird_protocol_changes_update_import_receive_count${labels} 40`,
      `bird_protocol_changes_update_import_accept_count${labels} 12`,
      `bird_protocol_changes_withdraw_export_reject_count${labels} 2`,
    ]);
    const messages = { received: 7, sent: 9 };
    const lines = await samples(['frr'], sources({ sessions: () => [frr({ messages, families })] }));
    const peer = '{vrf="default",afi="ipv4",safi="unicast",local_as="65000",peer="10.0.2.2",peer_as="65002"}';
    expect(lines).toContain(`frr_bgp_peer_message_received_total${peer} 7`);
    expect(lines).toContain(`frr_bgp_peer_message_sent_total${peer} 9`);
  });

  it("are bird_exporter's", async () => {
    const four = 'name="upstream",proto="BGP",ip_version="4",import_filter="",export_filter=""';
    const six = four.replace('"4"', '"6"');
    expect(await samples(['bird'], sources())).toEqual([
      'bird_socket_query_success 1',
      `bird_protocol_up{${four},state="established"} 1`,
      `bird_protocol_up{${six},state="established"} 1`,
      `bird_protocol_uptime{${four}} 60`,
      `bird_protocol_uptime{${six}} 60`,
      `bird_protocol_prefix_import_count{${four}} 12`,
      `bird_protocol_prefix_export_count{${four}} 4`,
      `bird_protocol_prefix_export_count{${six}} 5`,
      `bird_protocol_prefix_filter_count{${four}} 3`,
    ]);
  });

  it("are frr_exporter's", async () => {
    const sessions = [
      frr({ families: [session.families[0]!], since: new Date(now - 90_000).toISOString() }),
      frr({ vrf: 'red', neighbor: 'eth1', state: 'down', families: [{ ...session.families[1]!, family: 'vpn6' }] }),
    ];
    const first = 'vrf="default",afi="ipv4",safi="unicast",local_as="65000"';
    const second = 'vrf="red",afi="ipv6",safi="vpn",local_as="65000"';
    expect(await samples(['frr'], sources({ sessions: () => sessions }))).toEqual([
      'frr_collector_up{collector="bgp"} 0',
      `frr_bgp_peer_state{${first},peer="10.0.2.2",peer_as="65002"} 1`,
      `frr_bgp_peer_state{${second},peer="eth1",peer_as="65002"} 2`,
      `frr_bgp_peer_uptime_seconds{${first},peer="10.0.2.2",peer_as="65002"} 90`,
      `frr_bgp_peer_uptime_seconds{${second},peer="eth1",peer_as="65002"} 0`,
      `frr_bgp_peer_prefixes_received_count_total{${first},peer="10.0.2.2",peer_as="65002"} 12`,
      `frr_bgp_peer_prefixes_advertised_count_total{${first},peer="10.0.2.2",peer_as="65002"} 4`,
      `frr_bgp_peer_prefixes_advertised_count_total{${second},peer="eth1",peer_as="65002"} 5`,
      `frr_bgp_peers_count_total{${first}} 1`,
      `frr_bgp_peers_count_total{${second}} 1`,
    ]);
  });

  it("are node_exporter's of IPVS", async () => {
    const [one, two, prefix] = [
      'local_address="198.51.100.10",local_port="443",remote_address="10.0.3.1",remote_port="443",proto="TCP"',
      'local_address="198.51.100.10",local_port="443",remote_address="10.0.3.2",remote_port="8443",proto="TCP"',
      'local_address="2001:db8::/64",local_port="0",remote_address="10.0.3.1",remote_port="0",proto="ANY"',
    ];
    const lines = await samples(['ipvs'], sources());
    expect(lines).toHaveLength(7);
    expect(lines).toEqual(
      expect.arrayContaining([
        'node_ipvs_connections_total 3',
        'node_ipvs_incoming_packets_total 10',
        'node_ipvs_incoming_bytes_total 1000',
        `node_ipvs_backend_weight{${one},local_mark=""} 100`,
        `node_ipvs_backend_weight{${two},local_mark=""} 0`,
        `node_ipvs_backend_weight{${prefix},local_mark=""} 100`,
      ]),
    );
    expect(await samples(['ipvs'], sources({ backends: () => false }))).toHaveLength(3);
  });

  it('say nothing of what is not there', async () => {
    const nothing = sources({ sessions: () => [], daemons: () => new Map(), balance: () => undefined });
    expect(await samples(compatNames, nothing)).toEqual([]);
    expect(await samples([], sources())).toEqual([]);
  });
});

describe("a time of BIRD's", () => {
  it.each([
    ['12:00:30.123', 30],
    ['12:00:59', 1],
    // Still to come: yesterday's.
    ['12:01:01', 86_399],
    ['2026-01-01 12:01:00.5', 86_400],
    ['2026-01-01', undefined],
    ['Jan02', undefined],
    [undefined, undefined],
  ])('%s is so many seconds ago: %s', (since, seconds) => {
    expect(secondsSince(since, now)).toBe(seconds);
  });
});
