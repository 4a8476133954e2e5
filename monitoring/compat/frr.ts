/** FRR's BGP sessions by the names of frr_exporter. Gauges that end in `_total` are its own. */
import type { BgpFamily, BgpSession } from '../../controlplane/routing/bgp-session.ts';
import type { Sample } from '../counter-samples.ts';
import type { Family } from '../exporter.ts';
import type { CompatSources } from './sources.ts';

const perFamily = ['vrf', 'afi', 'safi', 'local_as'] as const;
const perPeer = [...perFamily, 'peer', 'peer_as'] as const;
const gauge = (name: string, help: string, labels: readonly string[] = perPeer) =>
  ({ name, type: 'gauge', labels, help }) as const;

export function frrFamilies(sources: CompatSources): Family[] {
  const all = (): BgpSession[] => sources.sessions().filter(({ daemon }) => daemon === 'frr');
  const peers = (value: (session: BgpSession, family: BgpFamily) => number | undefined) => (): Sample[] =>
    all().flatMap((session) =>
      session.families.flatMap((family) => {
        const found = value(session, family);
        return found === undefined ? [] : [{ labels: peerOf(session, family), value: found }];
      }),
    );
  return [
    {
      definition: gauge('frr_collector_up', "Whether the collector's last scrape was successful.", ['collector']),
      collect: () => {
        const answered = sources.daemons().get('frr');
        return answered === undefined ? [] : [{ labels: { collector: 'bgp' }, value: Number(answered) }];
      },
    },
    {
      definition: gauge(
        'frr_bgp_peer_state',
        'State of the peer (2 = Administratively Down, 1 = Established, 0 = Down).',
      ),
      collect: peers(({ state }) => (state === 'established' ? 1 : state === 'down' ? 2 : 0)),
    },
    {
      definition: gauge('frr_bgp_peer_uptime_seconds', 'How long has the peer been up.'),
      collect: peers(({ state, since }) => {
        if (state !== 'established') return 0;
        const at = Date.parse(since ?? '');
        return Number.isNaN(at) ? undefined : Math.max(0, Math.floor(((sources.now ?? Date.now)() - at) / 1000));
      }),
    },
    {
      definition: gauge('frr_bgp_peer_prefixes_received_count_total', 'Number of prefixes received.'),
      collect: peers((_, { imported }) => imported),
    },
    {
      definition: gauge('frr_bgp_peer_prefixes_advertised_count_total', 'Number of prefixes advertised.'),
      collect: peers((_, { exported }) => exported),
    },
    ...(['received', 'sent'] as const).map((way) => ({
      definition: {
        name: `frr_bgp_peer_message_${way}_total`,
        type: 'counter' as const,
        labels: perPeer,
        help: `Number of messages ${way}.`,
      },
      collect: peers(({ messages }) => messages?.[way]),
    })),
    {
      definition: gauge('frr_bgp_peers_count_total', 'Number of peers.', perFamily),
      collect: () => {
        const counts = new Map<string, { labels: Record<string, string>; value: number }>();
        for (const session of all())
          for (const family of session.families) {
            const labels = familyOf(session, family);
            const key = Object.values(labels).join(' ');
            const known = counts.get(key);
            if (known) known.value++;
            else counts.set(key, { labels, value: 1 });
          }
        return counts.values();
      },
    },
  ];
}

/** `ipv4 multicast`, `vpn6`, … by FRR's own two words. */
function familyOf({ vrf, localAs }: BgpSession, { family }: BgpFamily): Record<string, string> {
  const [word = '', second] = family.split(' ');
  const afi = word === 'evpn' ? 'l2vpn' : word.endsWith('6') ? 'ipv6' : 'ipv4';
  const safi =
    second ?? (word.startsWith('ip') ? 'unicast' : word.startsWith('flow') ? 'flowspec' : word.replace(/\d$/, ''));
  return { vrf: vrf ?? 'default', afi, safi, local_as: String(localAs ?? '') };
}

function peerOf(session: BgpSession, family: BgpFamily): Record<string, string> {
  return { ...familyOf(session, family), peer: session.neighbor, peer_as: String(session.neighborAs ?? '') };
}
