/** Which services are up, and which may be announced. */
import { describe, expect, it } from 'vitest';
import type { BackendStatus } from '../../../../controlplane/balancer/backend-status.ts';
import type { BackendState } from '../../../../controlplane/balancer/backend-view.ts';
import type { ServiceSpec } from '../../../../controlplane/balancer/model.ts';
import { judgeService, NEXT_HOP_PATIENCE_MS } from '../../../../controlplane/balancer/service-judge.ts';

interface Server {
  readonly weight?: number;
  readonly state?: BackendState;
  /** What the file says. */
  readonly file?: string;
  readonly unreachable?: string;
}

const status = ({ weight = 100, state = 'active', file = 'active', unreachable = '' }: Server, i: number) =>
  ({
    spec: { name: `s${i}`, weight, state: file },
    view: {
      state,
      ringWeight: state === 'active' ? weight : 0,
      lives: state === 'active' || state === 'draining',
      reason: '',
    },
    unreachable,
  }) as unknown as BackendStatus;

const service = { name: 'www', frontends: [], quorum: { up: 0.5, down: 0.25 } } as unknown as ServiceSpec;
const judge = (servers: readonly Server[], more: { was?: boolean; waitedMs?: number } = {}) =>
  judgeService(service, {
    was: true,
    settled: true,
    hasRing: true,
    waitedMs: 0,
    ...more,
    statuses: servers.map(status),
  });
const failed: Server = { state: 'down' };
const drains: Server = { state: 'draining' };
const dark: Server = { unreachable: 'it does not answer' };

describe('judgeService()', () => {
  it.each<[string, readonly Server[], boolean]>([
    ['all are well', [{}, {}], true],
    ['one of five is left', [{}, failed, failed, failed, failed], false],
    ['all have failed', [failed, failed], false],
    ['four of five are drained on purpose', [{}, drains, drains, drains, drains], true],
    ['all are drained', [drains, drains], true],
    ['all have weight 0', [{ weight: 0 }, { weight: 0 }], true],
    ['one drains and the other has failed', [drains, failed], false],
    ['all are in maintenance', [{ state: 'maintenance', file: 'maintenance' }], false],
  ])('%s', (_, servers, up) => {
    expect(judge(servers).up).toBe(up);
  });

  it('waits for next hops, but not for ever for the few that nobody answers for', () => {
    const servers = [{}, {}, {}, dark];
    expect(judge(servers)).toMatchObject({ ready: false, reason: 'no next hop to s3' });
    expect(judge(servers, { waitedMs: NEXT_HOP_PATIENCE_MS })).toMatchObject({ ready: true, up: true });
    expect(judge([{}, dark, dark, dark], { waitedMs: NEXT_HOP_PATIENCE_MS })).toMatchObject({ ready: false });
  });
});
