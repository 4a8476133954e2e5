/** From a pool's `check:` to what the monitor does. */
import { readFileSync } from 'node:fs';
import type { CheckSpec, CheckTarget, HttpProbe, PoolChecks, Probe, Via } from '../../controlplane/health/index.ts';
import { asked, wayOf } from '../config/check-ways.ts';
import type { CheckConfig } from '../config/schema/checks.ts';
import type { Config } from '../config/schema/index.ts';
import { StartError } from './start-error.ts';

/** The checks of all pools that have some. @throws StartError for a file of certificates that cannot be read */
export function poolChecks(config: Config): PoolChecks[] {
  return Object.entries(config.pools).flatMap(([pool, { backends, check }]) => {
    if (!check) return [];
    const spec = checkSpec(check, pool, viasOf(config, pool, check));
    const targets = Object.entries(backends).map(
      ([backend, { address }]): CheckTarget => ({ pool, backend, address, check: spec }),
    );
    return [{ pool, panicBelow: check.panic, targets }];
  });
}

/** By kind, for checks through the forwarding path. A service that is set aside takes nothing: its checks wait for it. */
function viasOf({ services }: Config, pool: string, check: CheckConfig): ReadonlyMap<string, Via> {
  if (check.via === 'direct') return new Map();
  return new Map(
    asked(check).map(([kind, ask]) => [
      kind,
      wayOf(services, pool, check.vip, ask) ?? { service: '', vip: check.vip ?? '' },
    ]),
  );
}

function checkSpec(check: CheckConfig, pool: string, vias: ReadonlyMap<string, Via>): CheckSpec {
  return {
    probes: probes(check, pool).map((probe) => {
      const via = vias.get(probe.kind);
      return via ? { ...probe, via } : probe;
    }),
    intervalMs: check.interval,
    fastIntervalMs: Math.min(check.fast_interval, check.interval),
    timeoutMs: check.timeout,
    jitter: check.jitter,
    rise: check.rise,
    fall: check.fall,
    holdDownMs: check.hold_down,
  };
}

function probes({ tcp, http, https, dns, udp, icmp }: CheckConfig, pool: string): Probe[] {
  const found: Probe[] = [];
  if (tcp) found.push({ kind: 'tcp', port: tcp.port });
  if (http) found.push({ kind: 'http', ...httpParts(http), verify: true });
  if (https)
    found.push({
      kind: 'https',
      ...httpParts(https),
      ...(https.sni === undefined ? {} : { sni: https.sni }),
      ...(https.ca === undefined ? {} : { ca: certificates(https.ca, pool) }),
      verify: https.verify,
    });
  if (dns) {
    const { answer, ...rest } = dns;
    found.push({ kind: 'dns', ...rest, ...(answer === undefined ? {} : { answer }) });
  }
  if (udp) {
    const expect =
      udp.expect_hex !== undefined ? Buffer.from(udp.expect_hex, 'hex') : udp.expect && Buffer.from(udp.expect);
    found.push({
      kind: 'udp',
      port: udp.port,
      send: udp.send_hex !== undefined ? Buffer.from(udp.send_hex, 'hex') : Buffer.from(udp.send ?? ''),
      ...(expect ? { expect } : {}),
    });
  }
  if (icmp) found.push({ kind: 'icmp' });
  return found;
}

function httpParts(http: NonNullable<CheckConfig['http']>): Omit<HttpProbe, 'kind' | 'verify' | 'sni' | 'ca'> {
  const { port, method, path, host, status, contains, matches, max_body } = http;
  return {
    port,
    method,
    path,
    status,
    maxBodyBytes: max_body,
    ...(host === undefined ? {} : { host }),
    ...(contains === undefined ? {} : { contains }),
    ...(matches === undefined ? {} : { matches }),
  };
}

function certificates(file: string, pool: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartError(
      `pools.${pool}.check.https.ca: ${error instanceof Error ? error.message : error}: name a file of certificates the daemon may read`,
    );
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new StartError(`pools.${pool}.check.https.ca: ${file} has no certificate in PEM form`);
  return text;
}
