/** Announcing VIPs: the `announce:` section, carried out by the announcer, watched by the verifier, and shown. */
import path from 'node:path';
import {
  Announcer,
  type AnnounceSettings,
  changeReasons,
  Verifier,
  type VerifySettings,
  type VipReport,
} from '../../../controlplane/announce/index.ts';
import { monotonicClock } from '../../../controlplane/health/index.ts';
import type { Config } from '../../config/schema/index.ts';
import { readDrains, writeDrains } from '../drain-file.ts';
import { type Part, type PartDefinition, RouteError } from '../part.ts';
import { StartError } from '../start-error.ts';

/** How long a VIP may be in the table without being out before that is a problem. */
const GRACE_MS = 30_000;
const sockets = { bird: '/run/bird/bird.ctl', frr: '/run/frr/bgpd.vty' } as const;

const eventNames = {
  announced: 'vip_announced',
  depreferenced: 'vip_depreferenced',
  withdrawn: 'vip_withdrawn',
} as const;

/** A VIP, for people and programs. */
export interface Announcement extends VipReport {
  readonly drained: boolean;
  /** What the routing daemon says; null when it is not asked or does not answer. */
  readonly daemon: {
    readonly name: 'bird' | 'frr';
    readonly learned: boolean;
    readonly peers: readonly string[];
  } | null;
}

export const announcePart: PartDefinition = {
  create({ events, paths, exchange }): Part {
    const clock = monotonicClock;
    const file = path.join(paths.run, 'drained-vips.json');
    /** Undefined before the file was read. */
    let drains: Record<string, number> | undefined;
    let settings: Config['announce'];
    const announcer = new Announcer({
      services: exchange.services,
      clock,
      instance: paths.instance,
      onEvent: ({ vip, now, reason, detail }) => {
        events.emit(reason === 'restored' ? 'vip_restored' : eventNames[now], { vip, reason, detail });
        verifier.soon();
      },
    });
    const verifier = new Verifier({
      clock,
      vips: () => announcer.report().flatMap(({ vip, metric }) => (metric === null ? [] : [vip])),
    });

    const list = (): Announcement[] => {
      const drained = new Set(announcer.drained);
      return announcer.report().map((vip) => {
        const answer = verifier.result?.vips.get(vip.vip);
        const daemon = verifier.result && answer ? { name: verifier.result.daemon, ...answer } : null;
        return { ...vip, drained: drained.has(vip.vip), daemon };
      });
    };
    const change = (what: 'drain' | 'undrain', body: unknown): readonly Announcement[] => {
      if (!settings)
        throw new RouteError(409, 'nothing is announced: there is no announce section in the configuration');
      const known = new Set([...announcer.report().map(({ vip }) => vip), ...announcer.drained]);
      const vips = named(body, known);
      drains ??= {};
      if (what === 'drain') {
        for (const vip of vips) drains[vip] ??= Date.now();
        announcer.drain(vips);
      } else {
        drains = Object.fromEntries(Object.entries(drains).filter(([vip]) => !vips.includes(vip)));
        announcer.undrain(vips);
      }
      writeDrains(file, drains);
      return list();
    };
    return {
      name: 'announcements',
      check() {
        if (drains) return;
        drains = { ...readDrains(file) };
        for (const [vip, since] of Object.entries(drains)) announcer.drain([vip], Date.now() - since);
      },
      async apply(config) {
        settings = config.announce;
        try {
          await announcer.apply(settings && announceSettings(settings));
        } catch (error) {
          throw new StartError(`announce: ${error instanceof Error ? error.message : error}`);
        }
        verifier.apply(settings?.verify && verifySettings(settings.verify));
      },
      refresh: () => announcer.refresh(),
      problems: () => [
        ...(announcer.problem ? [`announce: ${announcer.problem}`] : []),
        ...(verifier.error ? [`announce.verify: ${verifier.error}`] : []),
        ...list().flatMap((vip) => notOut(vip, verifier.result?.sessions ?? [], settings?.table)),
      ],
      notes: () =>
        list().flatMap(({ vip, drained }) =>
          drained ? [`VIP ${vip} is drained: headrace announcements undrain ${vip}`] : [],
        ),
      status: () => {
        const vips = list();
        return {
          wanted: vips.filter(wanted).length,
          announced: vips.filter(({ metric }) => metric !== null).length,
          vips: vips.length,
          sessions: verifier.result?.sessions ?? null,
        };
      },
      routes: () => ({
        'GET /announcements': list,
        'POST /announcements/drain': ({ body }) => change('drain', body),
        'POST /announcements/undrain': ({ body }) => change('undrain', body),
      }),
      metrics: () => ({
        vipAnnounceWanted: () => list().map((vip) => ({ labels: { vip: vip.vip }, value: wanted(vip) ? 1 : 0 })),
        vipAnnounced: () => list().map(({ vip, metric }) => ({ labels: { vip }, value: metric === null ? 0 : 1 })),
        vipExportedPeers: () =>
          // A daemon that cannot be asked, once it had its time to start, gives the VIP to nobody.
          verifier.result === undefined && verifier.error === ''
            ? []
            : list().map(({ vip, daemon }) => ({
                labels: { vip, daemon: settings?.verify?.daemon ?? '' },
                value: daemon?.peers.length ?? 0,
              })),
        vipAnnouncementChanges: () =>
          list().flatMap(({ vip }) =>
            changeReasons.map((reason) => ({
              labels: { vip, reason },
              value: announcer.changes.get(vip)?.get(reason) ?? 0,
            })),
          ),
      }),
      close() {
        verifier.close();
        announcer.close();
      },
    };
  },
};

function wanted({ wish, metric }: VipReport): boolean {
  return wish === 'announce' || wish === 'depreference' || (wish === 'keep' && metric !== null);
}

/** VIPs as given, with or without a length; all when none is given. @throws RouteError for one that is not there */
function named(body: unknown, known: ReadonlySet<string>): string[] {
  const vips = (body as { readonly vips?: unknown } | undefined)?.vips ?? [];
  if (!Array.isArray(vips)) throw new RouteError(400, 'vips must be a list');
  if (vips.length === 0) return [...known];
  return vips.map((vip) => {
    const text = String(vip);
    const full = text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`;
    if (!known.has(full))
      throw new RouteError(404, `${text} is no VIP of this box; there are: ${[...known].join(', ') || 'none'}`);
    return full;
  });
}

function announceSettings(config: NonNullable<Config['announce']>): AnnounceSettings {
  return {
    table: config.table,
    protocol: config.protocol,
    onExit: config.on_exit,
    require: config.require,
    metrics: { normal: config.metric, depreferenced: config.depreference.metric },
    order: config.verify?.daemon === 'frr' ? 'delete-first' : 'add-first',
    beforeWithdrawMs: config.depreference.before_withdraw,
    startupHoldMs: config.startup_hold,
  };
}

function verifySettings({
  daemon,
  socket,
  sessions,
}: NonNullable<NonNullable<Config['announce']>['verify']>): VerifySettings {
  return { daemon, socket: socket ?? sockets[daemon], sessions };
}

/** What is wrong with a VIP that has long been in the table and is not out. */
function notOut(
  { vip, metric, sinceMs, daemon }: Announcement,
  sessions: readonly { readonly established: boolean }[],
  table: number | undefined,
): string[] {
  if (metric === null || !daemon || sinceMs < GRACE_MS) return [];
  if (!daemon.learned)
    return [`VIP ${vip} is in table ${table}, but ${daemon.name} has not learned it: see docs/guides/announce-vips.md`];
  if (daemon.peers.length > 0) return [];
  if (!sessions.some(({ established }) => established))
    return [`VIP ${vip} is given to nobody: no session of ${daemon.name} is established`];
  return [`VIP ${vip} is given to nobody: ${daemon.name} has it, and no export filter lets it pass`];
}
