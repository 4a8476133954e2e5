/**
 * Failure modes 33 and 36 to 40, live: everything that can happen to a port while the daemon runs, with traffic where
 * it matters. After each story the fast path forwards again, and nothing of what is gone is left in the maps.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { askDaemon } from '../../appliance/cli/instance.ts';
import type { DaemonStatus, InterfaceStatus } from '../../appliance/daemon/status.ts';
import { maps, portFlag } from '../../controlplane/bpf/generated/headrace.ts';
import { BpfMap } from '../../controlplane/bpf/index.ts';
import { instancePaths } from '../../controlplane/dataplane/index.ts';
import {
  ends,
  type Headrace,
  headrace,
  joinServer,
  Lab,
  minimalConfig,
  type RoutedPair,
  routedPair,
  Stream,
  until,
} from './library/index.ts';

describe('ports that change', () => {
  let lab: Lab;
  let pair: RoutedPair;
  let box: Headrace;
  let stream: Stream;

  beforeAll(async () => {
    lab = new Lab('ports');
    pair = routedPair(lab);
    box = await headrace(pair.box, minimalConfig);
    stream = await Stream.start(pair.client, pair.server, { ...ends[4], rate: 200 });
  });
  afterAll(async () => {
    await stream?.stop();
    await lab?.cleanup();
  });

  const status = async (): Promise<DaemonStatus> =>
    (await askDaemon<DaemonStatus>(instancePaths(box.instance, pair.box.runDirectory), '/status'))!;
  const port = async (name: string): Promise<InterfaceStatus | undefined> =>
    (await status()).interfaces.find((each) => each.name === name);
  const attached = (name: string): boolean => pair.box.link(name).xdp !== undefined;
  const record = (ifindex: number): { flags: number; mtu: number; slot: number } => {
    using map = BpfMap.openPinned(`${box.pins}/maps/ports`, maps.ports);
    return map.get(ifindex)!;
  };
  const transmits = (): number[] => {
    using map = BpfMap.openPinned(`${box.pins}/maps/tx_ports`, maps.txPorts);
    return [...map.keys()].sort((a, b) => a - b);
  };
  const fast = (): number => box.packets({ interface: 'p0', verdict: 'redirect' });

  /** The stream that runs all the time arrives, and by the fast path. */
  const forwards = async (): Promise<void> => {
    const before = fast();
    await until('the fast path to take packets', () => fast() > before + 10);
    await stream.flow(10);
  };

  afterEach(async () => {
    await until('both ports to be attached and able', async () => {
      const ports = [await port('p0'), await port('p1')];
      return ports.every((each) => each?.mode === 'native' && each.transmits && each.kernel === null);
    });
    await forwards();
    expect(transmits()).toEqual([pair.box.ifindex('p0'), pair.box.ifindex('p1')].sort((a, b) => a - b));
    expect((await status()).problems).toEqual([]);
  });

  it('a far end that stops taking XDP frames: the kernel sends, and the stream goes on', async () => {
    await forwards();
    pair.server.exec(['ethtool', '-K', 's0', 'gro', 'off']);
    await until('p1 to be no egress', async () => (await port('p1'))?.transmits === false);
    const before = fast();
    await stream.flow(40);
    expect(fast()).toBe(before);
    pair.server.exec(['ethtool', '-K', 's0', 'gro', 'on']);
  });

  it('a smaller MTU holds at once, and a larger one too', async () => {
    pair.box.ip('link set p1 mtu 1300');
    pair.server.ip('link set s0 mtu 1300');
    const needed = (): number => box.packets({ interface: 'p0', reason: 'frag_needed' });
    const before = needed();
    const ping = (): number =>
      pair.client.exec(['ping', '-c1', '-W1', '-Mdo', '-s1400', ends[4].destination], { mayFail: true }).status;
    expect(ping()).not.toBe(0);
    expect(needed()).toBeGreaterThan(before);
    await until('the record to have it', () => record(pair.box.ifindex('p1')).mtu === 1300);
    pair.box.ip('link set p1 mtu 1500');
    pair.server.ip('link set s0 mtu 1500');
    pair.client.ip('route flush cache');
    await until('packets of 1400 bytes to pass', () => ping() === 0);
  });

  it('a new MAC address is the one that frames must be for', async () => {
    const old = pair.box.mac('p0');
    pair.box.ip('link set p0 address 02:00:00:00:aa:01');
    await until('p0 to show its address', async () => (await port('p0'))?.mac === '02:00:00:00:aa:01');
    pair.client.ip('neighbor flush all');
    await forwards();
    pair.box.ip(`link set p0 address ${old}`);
    await until('p0 to show its old address', async () => (await port('p0'))?.mac === old);
    pair.client.ip('neighbor flush all');
  });

  it('down is no egress, and up is one again', async () => {
    pair.box.ip('link set p1 down');
    await until('p1 to be no egress', () => transmits().length === 1);
    expect(await port('p1')).toMatchObject({ up: false, mode: 'native', transmits: false });
    pair.box.ip('link set p1 up');
    pair.box.address('p1', 'fd00:2::1/64');
  });

  it('a name that matches no more is detached, and attached again when it does', async () => {
    const ifindex = pair.box.ifindex('p1');
    pair.box.ip('link set p1 down');
    pair.box.ip('link set p1 name x1');
    pair.box.ip('link set x1 up');
    await until('x1 to be detached', () => !attached('x1'));
    expect(record(ifindex).flags).toBe(0);
    expect(transmits()).not.toContain(ifindex);
    await stream.flow(10);
    pair.box.ip('link set x1 down');
    pair.box.ip('link set x1 name p1');
    pair.box.ip('link set p1 up');
  });

  it('to another namespace and back', async () => {
    const ifindex = pair.box.ifindex('p1');
    pair.box.ip(`link set p1 netns ${pair.client.netns}`);
    await until('p1 to be forgotten', async () => (await port('p1')) === undefined && record(ifindex).flags === 0);
    await until('the program to leave it', () => pair.client.link('p1').xdp === undefined);
    expect(transmits()).not.toContain(ifindex);
    expect(box.pinnedLinks()).not.toContain(String(ifindex));
    pair.client.ip(`link set p1 netns ${pair.box.netns}`);
    pair.box.ip('link set p1 up');
    pair.box.address('p1', '10.0.2.1/24', 'fd00:2::1/64');
  });

  it('there and back before anybody looked', async () => {
    const stopped = box.process.pid;
    process.kill(stopped, 'SIGSTOP');
    try {
      pair.box.ip(`link set p1 netns ${pair.client.netns}`);
      pair.client.ip(`link set p1 netns ${pair.box.netns}`);
      pair.box.ip('link set p1 up');
      pair.box.address('p1', '10.0.2.1/24', 'fd00:2::1/64');
    } finally {
      process.kill(stopped, 'SIGCONT');
    }
  });

  it('another interface that took the number while ours is elsewhere gets a program of its own', async () => {
    const ifindex = pair.box.ifindex('p1');
    process.kill(box.process.pid, 'SIGSTOP');
    try {
      pair.box.ip(`link set p1 netns ${pair.client.netns}`);
      pair.box.ip(`link add p9 index ${ifindex} type veth peer name far9`);
      pair.box.ip('link set p9 up');
    } finally {
      process.kill(box.process.pid, 'SIGCONT');
    }
    await until('p9 to be attached', () => attached('p9'));
    await until('p1, far away, to be without', () => pair.client.link('p1').xdp === undefined);
    pair.box.ip('link delete p9');
    pair.client.ip(`link set p1 netns ${pair.box.netns}`);
    pair.box.ip('link set p1 up');
    pair.box.address('p1', '10.0.2.1/24', 'fd00:2::1/64');
  });

  it('deleted and made again, with its number: at once, and by a name nobody configured', async () => {
    const ifindex = pair.box.ifindex('p1');
    process.kill(box.process.pid, 'SIGSTOP');
    try {
      pair.box.ip('link delete p1');
      pair.box.ip(`link add q1 index ${ifindex} type veth peer name far1`);
      pair.box.ip('link set q1 up');
    } finally {
      process.kill(box.process.pid, 'SIGCONT');
    }
    await until(
      'nothing to be left under the number',
      () => record(ifindex).flags === 0 && !transmits().includes(ifindex),
    );
    expect(attached('q1')).toBe(false);
    expect(box.pinnedLinks()).not.toContain(String(ifindex));
    pair.box.ip('link delete q1');
    joinServer(lab, pair.box, pair.server);
  });

  it('deleted and made again by its own name and number, before anybody looked', async () => {
    const ifindex = pair.box.ifindex('p1');
    process.kill(box.process.pid, 'SIGSTOP');
    try {
      pair.box.ip('link delete p1');
      pair.box.ip(`link add p1 index ${ifindex} type veth peer name s0 netns ${pair.server.netns}`);
      pair.box.ip('link set p1 up');
      pair.server.ip('link set s0 up');
      pair.server.exec(['ethtool', '-K', 's0', 'gro', 'on', 'tx', 'off']);
      pair.box.address('p1', '10.0.2.1/24', 'fd00:2::1/64');
      pair.server.address('s0', '10.0.2.2/24', 'fd00:2::2/64');
      pair.server.route('default via 10.0.2.1');
    } finally {
      process.kill(box.process.pid, 'SIGCONT');
    }
  });

  it('a port of a bridge is the kernel’s, is said to be, and comes back', async () => {
    pair.box.ip('link add br0 type bridge');
    pair.box.ip('link set p1 master br0');
    const left = await until('p1 to be left to the kernel', async () => (await port('p1'))?.kernel);
    expect(left).toContain('br0 (bridge)');
    expect(record(pair.box.ifindex('p1')).flags & portFlag.ENSLAVED).not.toBe(0);
    expect(transmits()).not.toContain(pair.box.ifindex('p1'));
    expect((await status()).notes.join('\n')).toContain('p1 is left to the kernel');
    expect(box.metrics()).toContain('headrace_interface_left_to_kernel{interface="p1"} 1');
    expect(box.cli('interfaces').stdout).toContain('veth in br0');
    pair.box.ip('link set p1 nomaster');
    pair.box.ip('link delete br0');
  });

  it('a macvlan that takes all frames makes its port the kernel’s; any other does not', async () => {
    pair.box.ip('link add mv0 link p1 type macvlan mode passthru');
    const left = await until('p1 to be left to the kernel', async () => (await port('p1'))?.kernel);
    expect(left).toContain('mv0 (macvlan)');
    pair.box.ip('link delete mv0');
    await until('p1 to be a port again', async () => (await port('p1'))?.kernel === null);
    const seen = (await status()).netlink!.events;
    pair.box.ip('link add mv1 link p1 type macvlan mode bridge');
    await until('the daemon to have seen it', async () => (await status()).netlink!.events > seen);
    expect((await port('p1'))?.kernel).toBeNull();
    pair.box.ip('link delete mv1');
  });

  it('VLAN tags that a driver would take off stay on', async () => {
    const strips = (): boolean => /rx-vlan-offload: on/.test(pair.box.exec(['ethtool', '-k', 'p0']).stdout);
    expect(strips()).toBe(false);
    pair.box.exec(['ethtool', '-K', 'p0', 'rxvlan', 'on']);
    await until('the daemon to switch it off again', () => !strips());
    expect((await port('p0'))?.switchedOff).toContain('rx-vlan-hw-parse');
  });
});
