/** Watching packets: a capture that tshark reads, and samples that it takes apart. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ends, type Headrace, headrace, Lab, type RoutedPair, routedPair, Stream, until } from './library/index.ts';

const config = {
  version: 1,
  dataplane: { interfaces: [{ match: 'p*' }] },
  sflow: { collectors: ['10.0.2.2:6343'], sampling_rate: 20, polling_seconds: 1, agent: '10.0.2.1' },
};

let lab: Lab;
let pair: RoutedPair;
let box: Headrace;
beforeAll(async () => {
  lab = new Lab('capture');
  pair = routedPair(lab);
  box = await headrace(pair.box, config);
  // The first packets resolve the neighbors.
  await (await Stream.start(pair.client, pair.server, { ...ends[4], count: 5 })).finished();
});
afterAll(() => lab?.cleanup());

/** Fields of the packets in a file, a line a packet. */
function fields(file: string, ...names: readonly string[]): string[][] {
  const command = ['tshark', '-r', file, '-T', 'fields', ...names.flatMap((name) => ['-e', name])];
  return pair.box
    .exec(command)
    .stdout.split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

describe('headrace capture', () => {
  it('saves both sides of forwarded packets with verdict and reason, and costs nothing afterwards', async () => {
    const file = `${pair.box.folder}/forwarded.pcapng`;
    const stream = await Stream.start(pair.client, pair.server, { ...ends[4] });
    await stream.flow(50);
    const command = ['capture', '-i', 'p0', '--filter', 'udp and dst port 9000', '--reason', 'forwarded'];
    const output = box.cli(...command, '--count', '20', '-w', file);
    expect(output).toMatchObject({ status: 0, stderr: expect.stringContaining('20 packets') });
    const packets = fields(file, 'frame.interface_name', 'ip.ttl', 'udp.dstport', 'frame.comment');
    expect(packets).toHaveLength(40);
    for (let i = 0; i < packets.length; i += 2) {
      const comment = 'verdict redirect, reason forwarded, out by p1';
      expect(packets[i]).toEqual(['p0', '64', '9000', comment]);
      expect(packets[i + 1]).toEqual(['p1', '63', '9000', comment]);
    }
    expect(await stream.stop()).toMatchObject({ lost: 0 });
    await until(
      'the capture to have ended',
      () => !box.status<{ parts: { tap: { capturing: boolean } } }>().parts.tap.capturing,
    );
  });

  it('prints a line a packet, and nothing that a capture before left unread', async () => {
    const stream = await Stream.start(pair.client, pair.server, { ...ends[4] });
    const output = box.cli('capture', '--verdict', 'redirect', '--count', '3');
    expect(output.stdout.trim().split('\n')).toHaveLength(3);
    expect(output.stdout).toMatch(
      /p0 → p1 {2}redirect\/forwarded {2}udp 10\.0\.1\.2:\d+ > 10\.0\.2\.2:9000 {2}114 bytes/,
    );
    const other = box.cli('capture', '--filter', 'tcp', '--duration', '1');
    expect([output.stderr, other.stderr]).toEqual(['3 packets\n', '0 packets\n']);
    await stream.stop();
  });

  it.each([
    [['--filter', 'tcp or udp'], '"or" where "and" or the end was expected'],
    [['--reason', 'lazy'], 'there is no reason "lazy"'],
    [['-i', 'p7'], 'interface p7 does not exist'],
    [['-w', '/nowhere/file.pcapng'], 'no such file or directory'],
  ])('refuses %j', async (words, message) => {
    const output = box.cli('capture', ...words);
    expect(output.status).toBe(1);
    expect(output.stderr).toContain(message);
    const status = await box.ask<{ parts: { tap: { capturing: boolean } } }>('/status');
    expect(status.parts.tap.capturing).toBe(false);
  });
});

describe('headrace routes --hits', () => {
  it('counts the packets that a route has, and not those of a longer one', async () => {
    pair.box.ip('route add 10.0.2.2/32 dev p1');
    const stream = await Stream.start(pair.client, pair.server, { ...ends[4] });
    await stream.flow(50);
    const hits = JSON.parse(box.cli('routes', '10.0.2.2', '--hits', '1', '--json').stdout).hits;
    expect(hits).toMatchObject({ below: '10.0.2.2/32', routes: [{ prefix: '10.0.2.2/32', table: 254, fast: 1 }] });
    expect(hits.packets).toBeGreaterThan(0);
    expect(hits.routes[0].packetsPerSecond * hits.seconds).toBeCloseTo(Math.max(hits.packets, hits.lookedAt), 3);
    const shorter = box.cli('routes', '10.0.2.3', '--hits', '1');
    expect(shorter.stdout).toContain('none took 10.0.2.0/24');
    const below = box.cli('routes', '10.0.0.0/8', '--hits', '1');
    expect(below.stdout).toMatch(/hits in [\d.]+ s below 10\.0\.0\.0\/8: \d+ packets/);
    expect(below.stdout).toMatch(/10\.0\.2\.2\/32 +│? *254/);
    await stream.stop();
    pair.box.ip('route delete 10.0.2.2/32');
  });

  it('says when no route is there to have any', () => {
    const stderr: unknown = expect.stringContaining('no route leads to 192.0.2.1');
    expect(box.cli('routes', '192.0.2.1', '--hits', '1')).toMatchObject({ status: 1, stderr });
  });
});

describe('sFlow', () => {
  it('sends samples and counters that Wireshark takes apart', async () => {
    const file = `${pair.server.folder}/sflow.pcap`;
    const watching = pair.server.spawn(['tshark', '-i', 's0', '-f', 'udp port 6343', '-w', file, '-F', 'pcap']);
    await until('tshark to capture', () => watching.stderr.includes('Capturing'));
    const stream = await Stream.start(pair.client, pair.server, { ...ends[4] });
    // Meanwhile somebody captures into a pipe and reads it only when the daemon would have lost patience.
    const slow = box.piped('{ sleep 7; wc -c; }', 'capture', '--duration', '8', '-w', '-');
    await stream.flow(300);
    const status = () =>
      box.status<{ parts: { tap: { sflow: { samples: number; datagrams: number } } } }>().parts.tap.sflow;
    const sent = status().datagrams;
    await until('a few datagrams', () => status().samples > 5 && status().datagrams > sent + 1);
    await watching.kill('SIGINT');
    const text = pair.server.exec(['tshark', '-r', file, '-V']).stdout;
    expect(text).toContain('Sampling rate: 1 out of 20 packets');
    expect(text).toContain('Agent address: 10.0.2.1');
    expect(text).toMatch(/Src: 10\.0\.1\.2, Dst: 10\.0\.2\.2/);
    expect(text).toContain('Generic interface counters');
    // The stream's frames of 114 bytes, as they were on the wire.
    expect(text).toMatch(/Frame Length: 118\s+Payload stripped: 4\s/);
    expect(text).not.toContain('Malformed');
    await slow.exited;
    await stream.stop();
    expect(slow.stderr).toMatch(/^\d+ packets/);
    expect(slow.stderr).not.toContain('ended');
    // More than a pipe holds, so it was full meanwhile.
    expect(Number(slow.stdout)).toBeGreaterThan(65_536);
    expect(box.process.stderr).toMatch(/"event":"capture_ended","why":"by who asked for it","captured":\d+,/);
  });
});
