/**
 * The clients of BIRD and FRR against the daemons themselves: BIRD on one host speaks BGP with FRR on the other, and
 * each side's session, routes and exports are read over its own socket.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bgpSessions } from '../../controlplane/routing/bgp-sessions.ts';
import { BirdClient } from '../../controlplane/routing/bird/index.ts';
import { DaemonError } from '../../controlplane/routing/daemon-error.ts';
import { FrrClient } from '../../controlplane/routing/frr/index.ts';
import { Bird, Frr, Lab, until } from './library/index.ts';

const BIRD = `
router id 10.7.0.1;
protocol device { scan time 1; }
protocol static nets { ipv4; route 10.71.0.0/16 blackhole; route 10.72.0.0/16 blackhole; }
protocol bgp to_frr { description "the other side"; local 10.7.0.1 as 65001; neighbor 10.7.0.2 as 65002; connect delay time 1; connect retry time 1; error wait time 1, 2; ipv4 { import where net != 10.82.0.0/16; import keep filtered; export all; }; }
protocol bgp spare { disabled; local 10.7.0.1 as 65001; neighbor 10.7.0.9 as 65009; ipv4 { import all; export none; }; }
`;
const FRR = `
router bgp 65002
 bgp router-id 10.7.0.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 10.7.0.1 remote-as 65001
 neighbor 10.7.0.1 timers connect 1
 neighbor 10.7.0.1 description towards bird
 address-family ipv4 unicast
  network 10.81.0.0/16
  network 10.82.0.0/16
 exit-address-family
`;

describe('the clients of routing daemons', () => {
  let lab: Lab;
  let bird: Bird;
  let frr: Frr;
  let birdClient: BirdClient;
  let bgpd: FrrClient;

  beforeAll(async () => {
    lab = new Lab('daemons');
    const [a, b] = [lab.host('a'), lab.host('b')];
    lab.link(a, 'e0', b, 'e0');
    a.address('e0', '10.7.0.1/24');
    b.address('e0', '10.7.0.2/24');
    [bird, frr] = await Promise.all([Bird.start(a, BIRD), Frr.start(b, FRR)]);
    birdClient = await BirdClient.connect(bird.socket);
    bgpd = await FrrClient.connect(`${frr.folder}/bgpd.vty`);
  });
  afterAll(() => {
    birdClient?.close();
    bgpd?.close();
    lab?.cleanup();
  });

  it('tell the sessions of both in one shape', async () => {
    const overview = await until(
      'both sides to be established with all routes',
      async () => {
        const { sessions, errors } = await bgpSessions({ bird: bird.socket, bgpd: `${frr.folder}/bgpd.vty` });
        expect(errors).toEqual([]);
        const settled = sessions.filter(({ state, families }) => state === 'established' && families[0]?.imported);
        return settled.length === 2 && settled.every(({ families }) => families[0]!.exported! >= 2) && sessions;
      },
      { timeoutMs: 60_000 },
    );
    expect(overview).toMatchObject([
      {
        daemon: 'bird',
        name: 'to_frr',
        neighbor: '10.7.0.2',
        neighborAs: 65002,
        localAs: 65001,
        state: 'established',
        description: 'the other side',
        families: [{ family: 'ipv4', imported: 1, filtered: 1 }],
      },
      { daemon: 'bird', name: 'spare', state: 'down', neighbor: '10.7.0.9' },
      {
        daemon: 'frr',
        neighbor: '10.7.0.1',
        neighborAs: 65001,
        localAs: 65002,
        state: 'established',
        description: 'towards bird',
        families: [{ family: 'ipv4', imported: 2 }],
      },
    ]);
  });

  it('tell what BIRD has and gives', async () => {
    expect(birdClient.version).toMatch(/^[23]\./);
    expect((await birdClient.routes({ protocol: 'nets' })).map(({ network, kind }) => [network, kind])).toEqual([
      ['10.71.0.0/16', 'blackhole'],
      ['10.72.0.0/16', 'blackhole'],
    ]);
    expect(await birdClient.countRoutes({ protocol: 'to_frr' })).toBe(1);
    expect((await birdClient.routes({ exportedTo: 'to_frr' })).map(({ network }) => network)).toContain('10.71.0.0/16');
    expect((await birdClient.routes({ for: '10.81.2.3' }))[0]).toMatchObject({
      network: '10.81.0.0/16',
      protocol: 'to_frr',
      nextHops: [{ via: '10.7.0.2', dev: 'e0' }],
    });
    expect(await birdClient.protocols('no_such_*')).toEqual([]);
    expect(await birdClient.routes({ for: '192.0.2.1' })).toEqual([]);
  });

  it('tell what FRR gives', async () => {
    expect(await bgpd.advertisedRoutes('10.7.0.1')).toContain('10.81.0.0/16');
  });

  it('stay usable after a refusal, and answer questions in order', async () => {
    await expect(birdClient.query('show nonsense')).rejects.toThrow(DaemonError);
    await expect(birdClient.ask('x'.repeat(2000))).rejects.toThrow('longer');
    const answers = await Promise.all(Array.from({ length: 50 }, () => birdClient.protocols('nets')));
    expect(answers.map(([protocol]) => protocol?.name)).toEqual(Array.from({ length: 50 }, () => 'nets'));
    await expect(bgpd.json('show nonsense json')).rejects.toMatchObject({ code: 'COMMAND' });
    expect(await bgpd.bgpSessions()).toHaveLength(1);
  });

  it('say so when there is nobody to ask', async () => {
    await expect(BirdClient.connect('/nonexistent/bird.ctl')).rejects.toMatchObject({ code: 'CONNECT' });
    expect(await bgpSessions({ bird: '/nonexistent/bird.ctl', bgpd: '/nonexistent/bgpd.vty' })).toEqual({
      sessions: [],
      errors: [],
      answered: [],
      absent: [
        { daemon: 'bird', message: 'it does not run: there is no /nonexistent/bird.ctl' },
        { daemon: 'frr', message: 'it does not run: there is no /nonexistent/bgpd.vty' },
      ],
    });
  });
});
