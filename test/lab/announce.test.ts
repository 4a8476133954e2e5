/**
 * VIPs reach real neighbors over BIRD and FRR, with the configurations the guide gives, when and only when they should.
 */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AnnounceEvent, type Announcer, verifyAnnouncements } from '../../controlplane/announce/index.ts';
import { AnnounceLab, announceDefaults, TestServices } from './library/announce-lab.ts';
import { until } from './library/index.ts';

const V4 = '198.51.100.10/32';
const V6 = '2001:db8::10/128';
const PREFIX = '198.51.100.64/28';
/** As `ip` writes it. */
const SHORT = '198.51.100.10';

describe('announcing VIPs', () => {
  let lab: AnnounceLab;
  let services: TestServices;
  let announcer: Announcer;
  const events: AnnounceEvent[] = [];

  beforeAll(async () => {
    lab = new AnnounceLab('announce');
    await lab.start();
    services = new TestServices();
    announcer = lab.announcer(services, events);
  });
  afterAll(() => {
    announcer?.close();
    lab?.cleanup();
  });

  it('takes over what is configured, deletes what is not, and leaves what is not its own', async () => {
    lab.box.ip(`route add blackhole ${V4} table 231 proto 201 metric 100`);
    lab.box.ip('route add blackhole 198.51.100.99 table 231 proto 201 metric 100');
    lab.box.ip('route add blackhole 203.0.113.0/24 table 231 proto static metric 100');
    services.set('www', [V4, V6], { up: false, ready: false });
    await lab.apply(announcer, announceDefaults);
    expect(lab.table()).toEqual([
      `blackhole ${SHORT} proto 201 metric 100`,
      'blackhole 203.0.113.0/24 proto static metric 100',
    ]);
    expect(events).toEqual([]);
    lab.box.ip('route del blackhole 203.0.113.0/24 table 231');
    lab.box.ip(`route del blackhole ${V4} table 231`);
    services.set('www', [V4, V6], { up: false });
    await lab.everywhere(SHORT, false);
  });

  it('appears at the neighbors when its service is up and ready, and vanishes when it is down', async () => {
    services.set('www', [V4, V6, PREFIX], { up: true, ready: false });
    await Promise.resolve();
    expect(lab.table()).toEqual([]);
    services.set('www', [V4, V6, PREFIX]);
    for (const vip of [SHORT, V6.replace('/128', ''), PREFIX]) await lab.everywhere(vip, true);
    expect(announcer.report()).toMatchObject([V4, V6, PREFIX].map((vip) => ({ vip, wish: 'announce', metric: 100 })));
    services.set('www', [V4, V6, PREFIX], { up: false });
    for (const vip of [SHORT, V6.replace('/128', ''), PREFIX]) await lab.everywhere(vip, false);
    expect(announcer.report()[0]).toMatchObject({
      vip: V4,
      wish: 'withdraw',
      reason: 'www: no backend is up',
      metric: null,
    });
  });

  it('is withdrawn when its service goes down although not all was looked at, and kept when it is up', async () => {
    services.set('www', [V4]);
    await lab.everywhere(SHORT, true);
    services.set('www', [V4], { up: true, ready: false });
    await Promise.resolve();
    expect(announcer.report()[0]).toMatchObject({ vip: V4, wish: 'keep', metric: 100 });
    services.set('www', [V4], { up: false, ready: false });
    await Promise.resolve();
    expect(announcer.report()[0]).toMatchObject({ vip: V4, wish: 'withdraw', metric: null });
  });

  it('is known to be out from what the daemons say', async () => {
    services.set('www', [V4, V6]);
    await lab.everywhere(SHORT, true);
    const bird = { daemon: 'bird', socket: lab.bird.socket, sessions: 'upstream*' } as const;
    const frr = { daemon: 'frr', socket: `${lab.frr.folder}/bgpd.vty`, sessions: '10.0.2.*' } as const;
    const asked = [V4, V6, '198.51.100.11/32'];
    expect(await verifyAnnouncements(bird, asked)).toEqual({
      daemon: 'bird',
      sessions: [
        { name: 'upstream4', established: true },
        { name: 'upstream6', established: true },
      ],
      vips: new Map([
        [V4, { learned: true, peers: ['upstream4'] }],
        [V6, { learned: true, peers: ['upstream6'] }],
        ['198.51.100.11/32', { learned: false, peers: [] }],
      ]),
    });
    expect(await verifyAnnouncements(frr, [V4, '198.51.100.11/32'])).toEqual({
      daemon: 'frr',
      sessions: [{ name: '10.0.2.2', established: true }],
      vips: new Map([
        [V4, { learned: true, peers: ['10.0.2.2'] }],
        ['198.51.100.11/32', { learned: false, peers: [] }],
      ]),
    });
    await expect(verifyAnnouncements({ ...bird, socket: '/nonexistent' }, asked)).rejects.toThrow('/nonexistent');
  });

  it('is put back when somebody deletes it', async () => {
    services.set('www', [V4, V6]);
    await lab.everywhere(SHORT, true);
    events.length = 0;
    lab.box.ip('route flush table 231');
    lab.box.ip('-6 route flush table 231');
    await until('the routes to be back', () => lab.table().length === 2);
    await until('both to be told of', () => events.length >= 2);
    expect(events.map(({ vip, now, reason }) => [vip, now, reason]).sort()).toEqual([
      [V4, 'announced', 'restored'],
      [V6, 'announced', 'restored'],
    ]);
  });

  it('says who is in its place, and takes it when that is gone', async () => {
    services.set('www', [V4], { up: false });
    await Promise.resolve();
    lab.box.ip(`route add unreachable ${V4} table 231 proto static metric 100`);
    services.set('www', [V4]);
    await Promise.resolve();
    expect(announcer.problem).toMatch(/198\.51\.100\.10\/32 has a route with metric 100 .* not of protocol 201/);
    lab.box.ip(`route del unreachable ${V4} table 231`);
    announcer.refresh();
    await until('the route to be announced', () => lab.table().includes(`blackhole ${SHORT} proto 201 metric 100`));
    expect(announcer.problem).toBe('');
  });

  it.each([
    ['BIRD', 'add-first'],
    ['FRR', 'delete-first'],
  ] as const)('is drained by a worse metric first, then withdrawn; %s never is without it', async (daemon, order) => {
    const [host, path] =
      daemon === 'BIRD'
        ? [lab.west, () => lab.westBird.command('show route for 198.51.100.10/32 all')]
        : [lab.east, () => lab.eastFrr.vtysh('show bgp ipv4 unicast 198.51.100.10/32')];
    await lab.apply(announcer, { ...announceDefaults, order, beforeWithdrawMs: 2000 });
    services.set('www', [V4, V6]);
    await lab.everywhere(SHORT, true);
    const monitor = host.spawn(['ip', 'monitor', 'route']);
    await until('the monitor to watch', () => host.exec(['ss', '-Hf', 'netlink']).stdout.includes(`ip/${monitor.pid}`));
    announcer.drain([V4]);
    expect(lab.table()).toContain(`blackhole ${SHORT} proto 201 metric 200`);
    expect(lab.table()).toContain('blackhole 2001:db8::10 proto 201 metric 100');
    await until('the neighbor to see the longer path', () => path().includes('65000 65000 65000'), { everyMs: 20 });
    expect(path()).toMatch(/\(65535,0\)|graceful-shutdown/);
    expect(monitor.stdout).not.toMatch(/^Deleted 198\.51\.100\.10/m);
    await lab.everywhere(SHORT, false);
    await monitor.kill();
    expect(announcer.report()[0]).toMatchObject({ vip: V4, wish: 'withdraw', reason: 'drained by the operator' });
    announcer.undrain([V4]);
    await lab.everywhere(SHORT, true);
    expect([...announcer.changes.get(V4)!.keys()]).toEqual(expect.arrayContaining(['up', 'down', 'drain', 'restored']));
    await lab.apply(announcer, announceDefaults);
  });

  it('moves with its table, and leaves nothing in the old one', async () => {
    services.set('www', [V4]);
    await lab.apply(announcer, { ...announceDefaults, table: 232 });
    expect(lab.table()).toEqual([]);
    expect(lab.box.ip('route show table 232')).toContain(SHORT);
    await lab.apply(announcer, announceDefaults);
    expect(lab.box.exec(['ip', 'route', 'show', 'table', '232'], { mayFail: true }).stdout).toBe('');
    await lab.everywhere(SHORT, true);
  });

  it('with on_exit: withdraw, goes out of a device, over both daemons too', async () => {
    await lab.apply(announcer, { ...announceDefaults, onExit: 'withdraw' });
    expect(lab.table()[0]).toMatch(/^198\.51\.100\.10 dev hr-lab proto 201 (scope link )?metric 100/);
    services.set('www', [V4], { up: false });
    await lab.everywhere(SHORT, false);
    services.set('www', [V4]);
    await lab.everywhere(SHORT, true);
    await lab.apply(announcer, announceDefaults);
    await until('the device to be gone', () => !lab.box.ip('-brief link').includes('hr-lab'));
    expect(lab.table()).toEqual([`blackhole ${SHORT} proto 201 metric 100`]);
  });

  it('stays when the daemon ends, and goes if told so', async () => {
    announcer.close();
    expect(lab.table()).toEqual([`blackhole ${SHORT} proto 201 metric 100`]);
    const next = lab.announcer(services);
    await lab.apply(next, { ...announceDefaults, onExit: 'withdraw' });
    next.close();
    expect(lab.table()).toEqual([]);
    await lab.everywhere(SHORT, false);
  });

  it('the guide names the configurations that these tests run', () => {
    expect(execFileSync('bird', ['-p', '-c', `${lab.box.folder}/bird.conf`], { encoding: 'utf8' })).toBe('');
  });
});
