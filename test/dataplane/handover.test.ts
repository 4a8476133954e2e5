/** What could be forwarded and is the kernel's all the same: the operator's rules, and a daemon that is gone. */
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { portFlag } from '../../controlplane/bpf/generated/headrace.ts';
import { carries } from './packets/transport.ts';
import { leaseForEver, TestRouter } from './router.ts';
import { expectRow } from './table.ts';

const out = { out: 'out0' } as const;

describe('handover', () => {
  let router: TestRouter;

  beforeAll(() => {
    router = new TestRouter();
  });
  afterAll(() => router?.close());
  afterEach(() => router.reset());

  it('a port that belongs to the kernel passes all that would be forwarded', () => {
    router.setFlags('in0', portFlag.TO_KERNEL);
    expectRow(router, {}, 'netfilter');
    expectRow(router, { payload: carries(6, []), destination: '2001:db8:100::7' }, 'netfilter');
  });

  it('a port that needs the daemon forwards while the lease lasts', () => {
    router.setFlags('in0', portFlag.NEEDS_DAEMON);
    expectRow(router, {}, out);
    router.setLease(0n);
    expectRow(router, {}, 'daemon_lost');
    router.setLease(leaseForEver);
    expectRow(router, {}, out);
  });

  it('another port forwards without the daemon', () => {
    router.setLease(0n);
    expectRow(router, {}, out);
  });
});
