/** FRR's framing and its BGP summary, with and without the levels that differ between versions and commands. */
import { describe, expect, it } from 'vitest';
import { frameVtyReply, readBgpSummary } from '../../../../../controlplane/routing/frr/index.ts';

describe('frameVtyReply()', () => {
  it('ends an answer at three NULs and any status, wherever the bytes are cut', () => {
    const bytes = Buffer.from('{}\0\0\0\x02next');
    for (let cut = 0; cut < 6; cut++) expect(frameVtyReply(bytes.subarray(0, cut))).toBeUndefined();
    expect(frameVtyReply(bytes)).toEqual({ reply: { text: '{}', status: 2 }, rest: Buffer.from('next') });
  });
});

describe('readBgpSummary()', () => {
  const summary = {
    as: 65000,
    vrfName: 'default',
    peers: { '10.0.0.1': { remoteAs: 65001, state: 'Established', pfxRcd: 3, pfxSnt: 2, desc: 'up' } },
  };
  const second = {
    as: 65000,
    vrfName: 'default',
    peers: { '10.0.0.1': { remoteAs: 65001, state: 'Established', pfxRcd: 1, pfxSnt: 0 } },
  };

  it.each([
    ['VRFs and families', { default: { ipv4Unicast: summary, ipv6Unicast: second } }],
    ['families only', { ipv4Unicast: summary, ipv6Unicast: second }],
  ])('reads %s', (_, answer) => {
    expect(readBgpSummary(answer)).toMatchObject([
      {
        name: '10.0.0.1',
        vrf: undefined,
        neighborAs: 65001,
        localAs: 65000,
        state: 'established',
        description: 'up',
        families: [
          { family: 'ipv4', imported: 3, exported: 2 },
          { family: 'ipv6', imported: 1, exported: 0 },
        ],
      },
    ]);
  });

  it('tells VRFs apart and a switched off session as down', () => {
    const peers = { '10.0.0.1': { state: 'Idle (Admin)' } };
    expect(readBgpSummary({ red: { ipv4Unicast: { vrfName: 'red', peers } } })).toMatchObject([
      { vrf: 'red', state: 'down' },
    ]);
    expect(readBgpSummary(undefined)).toEqual([]);
  });
});
