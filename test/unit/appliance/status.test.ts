/** Who handled the packets, whatever the reason. */
import { describe, expect, it } from 'vitest';
import { shares } from '../../../appliance/daemon/status.ts';

const row = (verdict: string, reason: string, packets: bigint) => ({
  interface: 'eth0',
  verdict,
  reason,
  packets,
  bytes: 0n,
});

describe('shares()', () => {
  it('counts what was sent on by helper, mirror and balancer as the fast path, and drops as nobody', () => {
    const rows = [
      row('redirect', 'forwarded', 1n),
      row('tx', 'forwarded_mirror', 2n),
      row('redirect', 'balanced', 4n),
      row('pass', 'local', 8n),
      row('drop', 'no_backend', 16n),
    ];
    expect(shares(rows)).toEqual({ forwarded: 7, kernel: 8 });
  });
});
