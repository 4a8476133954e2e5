/** BIRD's BGP sessions by the names of bird_exporter, in its default format. Other protocols are not followed here. */
import type { BgpFamily, BgpSession } from '../../controlplane/routing/bgp-session.ts';
import type { Sample } from '../counter-samples.ts';
import type { Family } from '../exporter.ts';
import type { CompatSources } from './sources.ts';

const labels = ['name', 'proto', 'ip_version', 'import_filter', 'export_filter'] as const;
const gauge = (name: string, help: string, more: readonly string[] = []) =>
  ({ name, type: 'gauge', labels: [...labels, ...more], help }) as const;

/** BIRD's table of route changes, by its rows and columns, and by the exporter's words for them. Gauges are its own. */
const changes = (['update', 'withdraw'] as const).flatMap((what) =>
  (['import', 'export'] as const).flatMap((way) =>
    (['receive', 'reject', 'filter', 'ignore', 'accept'] as const).map((word) => ({
      kind: `${what}_${way}`,
      row: `${way === 'import' ? 'Import' : 'Export'} ${what}s`,
      column: word.endsWith('e') ? `${word}d` : `${word}ed`,
      word,
    })),
  ),
);

export function birdFamilies(sources: CompatSources): Family[] {
  const channels = (value: (family: BgpFamily, session: BgpSession) => number | undefined, state = false) =>
    function* (): Iterable<Sample> {
      for (const session of sources.sessions()) {
        if (session.daemon !== 'bird') continue;
        for (const family of session.families) {
          const found = value(family, session);
          if (found === undefined) continue;
          yield { labels: { ...named(session, family), ...(state ? { state: session.state } : {}) }, value: found };
        }
      }
    };
  return [
    {
      definition: {
        name: 'bird_socket_query_success',
        type: 'gauge',
        labels: [],
        help: 'Result of querying bird socket.',
      },
      collect: () => {
        const answered = sources.daemons().get('bird');
        return answered === undefined ? [] : [{ labels: {}, value: Number(answered) }];
      },
    },
    {
      definition: gauge('bird_protocol_up', 'Protocol is up.', ['state']),
      collect: channels((_, { state }) => Number(state === 'established'), true),
    },
    {
      definition: gauge('bird_protocol_uptime', 'Uptime of the protocol in seconds.'),
      collect: channels((_, { state, since }) =>
        state === 'established' ? secondsSince(since, (sources.now ?? Date.now)()) : 0,
      ),
    },
    {
      definition: gauge('bird_protocol_prefix_import_count', 'Number of imported routes.'),
      collect: channels(({ imported }) => imported),
    },
    {
      definition: gauge('bird_protocol_prefix_export_count', 'Number of exported routes.'),
      collect: channels(({ exported }) => exported),
    },
    {
      definition: gauge('bird_protocol_prefix_filter_count', 'Number of filtered routes.'),
      collect: channels(({ filtered }) => filtered),
    },
    {
      definition: gauge('bird_protocol_prefix_preferred_count', 'Number of preferred routes.'),
      collect: channels(({ preferred }) => preferred),
    },
    ...changes.map(({ kind, row, column, word }) => ({
      definition: gauge(`bird_protocol_changes_${kind}_${word}_count`, `${row}: ${column}.`),
      collect: channels((family) => family.changes?.[row]?.[column]),
    })),
  ];
}

function named(session: BgpSession, { family, importFilter, exportFilter }: BgpFamily): Record<string, string> {
  return {
    name: session.name,
    proto: 'BGP',
    ip_version: family.endsWith('6') ? '6' : '4',
    import_filter: importFilter ?? '',
    export_filter: exportFilter ?? '',
  };
}

/**
 * Of a time as BIRD tells it (`12:00:00.123` of the last day, `2026-01-02 12:00:00`, `2026-01-02`), which is local;
 * undefined for other formats, and for a day alone: that says too little.
 */
export function secondsSince(since: string | undefined, now: number): number | undefined {
  const match = /^(?:(\d{4})-(\d\d)-(\d\d)[ T])?(\d\d):(\d\d):(\d\d)(?:\.\d+)?$/.exec(since ?? '');
  if (!match) return undefined;
  const [year, month, day, hours, minutes, seconds] = match.slice(1).map((word) => word && Number(word)) as number[];
  const at = new Date(now);
  if (year) at.setFullYear(year, month! - 1, day);
  at.setHours(hours!, minutes, seconds, 0);
  // A time alone that is still to come was yesterday's.
  if (!year && at.getTime() > now) at.setDate(at.getDate() - 1);
  return Math.max(0, Math.floor((now - at.getTime()) / 1000));
}
