/** Answers of BIRD's control socket, in the shapes of its versions. */
import { describe, expect, it } from 'vitest';
import { frameReply } from '../../../../../controlplane/routing/bird/reply.ts';
import { readProtocolStatus, toBgpSessions } from '../../../../../controlplane/routing/bird/show-protocols.ts';
import { readRoutes } from '../../../../../controlplane/routing/bird/show-route.ts';

const answer = `2002-Name       Proto      Table      State  Since         Info
1002-a_rather_long_name BGP        ---        up     2026-01-02 10:20:30.123  Established   
1006-  Description:    upstream
   BGP state:          Established
     Neighbor address: fe80::1%eth0
     Neighbor AS:      65001
     Local AS:         65000
   Channel ipv4
     State:          UP
     Table:          master4
     Input filter:   from_upstream
     Output filter:  REJECT
     Routes:         3 imported, 1 filtered, 2 exported, 3 preferred
     Route change stats:     received   rejected   filtered    ignored   RX limit   IN limit   accepted
       Import updates:              4          0          1          0          0          0          3
       Export updates:              9          0          7        ---        ---          0          2
 
1002-down1      BGP        ---        down   10:20:30.123  
1006-  BGP state:          Down
     Neighbor address: 10.0.0.2
   Channel ipv6
     State:          DOWN
 
+news of no concern
0000 
`;

describe('frameReply()', () => {
  it('waits for the last line, wherever the bytes are cut', () => {
    const bytes = Buffer.from(`${answer}0013 rest`);
    for (let cut = 0; cut < answer.length; cut++) expect(frameReply(bytes.subarray(0, cut))).toBeUndefined();
    const framed = frameReply(bytes)!;
    expect(framed.reply.code).toBe(0);
    expect(framed.rest.toString()).toBe('0013 rest');
    expect(framed.reply.lines.some(({ text }) => text.includes('news'))).toBe(false);
  });
});

describe('readProtocolStatus()', () => {
  const protocols = readProtocolStatus(frameReply(Buffer.from(answer))!.reply.lines);

  it('reads rows by their words and the table by its header', () => {
    expect(protocols.map(({ name, state, since, info }) => [name, state, since, info])).toEqual([
      ['a_rather_long_name', 'up', '2026-01-02 10:20:30.123', 'Established'],
      ['down1', 'down', '10:20:30.123', ''],
    ]);
    const changes = protocols[0]!.channels[0]!.changes;
    expect(changes.get('Import updates')?.get('accepted')).toBe(3);
    expect(changes.get('Export updates')?.get('IN limit')).toBe(0);
    expect(changes.get('Export updates')?.has('ignored')).toBe(false);
  });

  it('makes sessions of them', () => {
    expect(toBgpSessions(protocols)).toMatchObject([
      {
        neighbor: 'fe80::1%eth0',
        neighborAs: 65001,
        localAs: 65000,
        state: 'established',
        description: 'upstream',
        families: [
          {
            family: 'ipv4',
            imported: 3,
            filtered: 1,
            exported: 2,
            preferred: 3,
            importFilter: 'from_upstream',
            exportFilter: 'REJECT',
            changes: { 'Import updates': { received: 4, accepted: 3 } },
          },
        ],
      },
      { neighbor: '10.0.0.2', state: 'down', families: [{ family: 'ipv6', imported: undefined }] },
    ]);
  });
});

describe('readRoutes()', () => {
  it('joins next hops to routes and further routes to their network', () => {
    const text = `1007-Table master4:
 10.0.0.0/8           unicast [a 10:20:30.123] * (100) [AS65001i]
 \tvia 10.1.0.1 on eth0 weight 2
 \tvia 10.1.0.2 on eth1 weight 1
                      blackhole [b 10:20:30.123] (90)
0000 
`;
    expect(readRoutes(frameReply(Buffer.from(text))!.reply.lines)).toEqual([
      {
        network: '10.0.0.0/8',
        kind: 'unicast',
        protocol: 'a',
        primary: true,
        preference: 100,
        nextHops: [
          { via: '10.1.0.1', dev: 'eth0', weight: 2 },
          { via: '10.1.0.2', dev: 'eth1', weight: 1 },
        ],
      },
      { network: '10.0.0.0/8', kind: 'blackhole', protocol: 'b', primary: false, preference: 90, nextHops: [] },
    ]);
  });
});
