/** The life of a slot: steady, settling, pinned; and that neither floods nor a dead backend break what should live. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type LbFlow,
  type LbFlowKey,
  lbFlowFlag,
  lbFragments,
  lbServiceFlag,
  lbUdp,
} from '../../../controlplane/bpf/generated/headrace.ts';
import { packet } from '../packets/packet.ts';
import { tcp, tcpFlag, udp } from '../packets/transport.ts';
import { BalancerBox, pinned, settling, slotOfFlow, steady, TCP, UDP } from './box.ts';

const VIP = '192.0.2.100';
const CLIENT = '203.0.113.9';
const hour = 3_600_000_000_000n;
const [A, B, C] = [1, 2, 3];
const { SYN, ACK, FIN } = tcpFlag;

let box: BalancerBox;
beforeAll(() => {
  box = new BalancerBox();
  box.vip(1, VIP);
  box.service({ number: 10, address: VIP, port: 80, protocol: TCP, ring: 1 });
  box.service({ number: 11, address: VIP, port: 53, protocol: UDP, ring: 1, udp: lbUdp.TRACKED, idle: 30 });
  box.service({ number: 12, address: VIP, port: 54, protocol: UDP, ring: 1 });
  box.service({ number: 13, address: VIP, port: 81, protocol: TCP, ring: 1, flags: lbServiceFlag.REMEMBER_OFF });
  box.service({ number: 14, address: VIP, port: 82, protocol: TCP, ring: 1, fragments: lbFragments.HASH3 });
});
afterAll(() => box?.close());

/** A backend is told by the last byte of its MAC address. */
const alive = (number: number, state = 3): void =>
  box.backend({ number, address: `10.0.2.${number + 10}`, state, destination: Uint8Array.of(2, 0, 0, 0, 9, number) });

beforeEach(() => {
  box.reset();
  box.clearFlows();
  box.setBudgets({});
  for (const number of [A, B, C]) alive(number);
});

/** The backend that a packet goes to, or why it goes nowhere. */
function send(port: number, flags: number = ACK, destinationPort = 80): number | string {
  const payload = tcp({ sourcePort: port, destinationPort, flags });
  return backendOf(packet({ source: CLIENT, destination: VIP, payload }));
}
const sendUdp = (port: number, destinationPort: number): number | string =>
  backendOf(packet({ source: CLIENT, destination: VIP, payload: udp({ sourcePort: port, destinationPort }) }));

function backendOf(frame: Uint8Array): number | string {
  const { reason, frame: out } = box.send(frame);
  return reason === 'balanced' ? out[5]! : reason;
}

const ring = (word: number, deadline = 0n, settle = 0n): void => box.ring(1, [word], { deadline, settle });

describe('a steady slot', () => {
  it('sends everything to its backend and remembers nothing', () => {
    ring(steady(A));
    expect([send(1, SYN), send(1), send(2), send(3, FIN | ACK)]).toEqual([A, A, A, A]);
    expect(box.flows()).toEqual([]);
  });

  it('has the flows whose hash the control plane computes the same', () => {
    const size = 251;
    box.ring(
      1,
      Array.from({ length: size }, (_, i) => steady((i % 3) + 1)),
    );
    for (let port = 1000; port < 1300; port++) {
      const flow = { source: CLIENT, destination: VIP, sourcePort: port, destinationPort: 80, protocol: TCP };
      expect(send(port)).toBe((slotOfFlow(flow, size) % 3) + 1);
    }
  });

  it('counts for the service and the backend', () => {
    ring(steady(B));
    const before = [box.traffic('service', 10), box.traffic('backend', B)];
    const frame = packet({ source: CLIENT, destination: VIP, payload: tcp({ sourcePort: 7, flags: SYN }) });
    box.send(frame);
    send(7);
    const after = [box.traffic('service', 10), box.traffic('backend', B)];
    after.forEach((traffic, i) => {
      expect(traffic.packets - before[i]!.packets).toBe(2);
      expect(traffic.bytes - before[i]!.bytes).toBe(2 * frame.length);
      expect(traffic.flows - before[i]!.flows).toBe(1);
    });
  });
});

describe('a settling slot', () => {
  beforeEach(() => ring(settling(B, A), box.now + hour));

  it('has new connections at the current backend, older ones at the previous, and remembers both', () => {
    expect([send(1, SYN), send(1), send(2), send(2, FIN | ACK)]).toEqual([B, B, A, A]);
    const flows = box.flows().map(([key, flow]) => [key.source_port, flow.backend, flow.flags, flow.ring, flow.slot]);
    expect(flows.toSorted()).toEqual(
      [
        [0x0100, B, 0, 1, 0],
        [0x0200, A, lbFlowFlag.OLDER | lbFlowFlag.CLOSING, 1, 0],
      ].toSorted(),
    );
  });

  it('keeps both when it is pinned, and has everybody else at the current backend', () => {
    send(1, SYN);
    send(2);
    ring(pinned(B));
    expect([send(1), send(2), send(3), send(4, SYN)]).toEqual([B, A, B, B]);
    expect(box.flows()).toHaveLength(2);
  });

  it('is as good as pinned once its time is over, whether anybody is there to pin it or not', () => {
    send(2);
    ring(settling(B, A), box.now - 1_000_000_000n);
    expect([send(2), send(3), send(4, SYN)]).toEqual([A, B, B]);
    expect(box.flows()).toHaveLength(1);
  });

  it('changes again: what began in between stays, what is older goes on to the oldest', () => {
    send(1, SYN);
    ring(settling(C, A), box.now + hour);
    expect([send(1), send(2), send(3, SYN), send(3)]).toEqual([B, A, C, C]);
  });

  it('changes after it was pinned: its backend becomes the previous one, and entries stay', () => {
    send(1, SYN);
    send(2);
    ring(pinned(B));
    ring(settling(C, B), box.now + hour);
    expect([send(1), send(2), send(3), send(4, SYN)]).toEqual([B, A, B, C]);
  });

  it('gives up a backend that is down at once, and for good', () => {
    send(2);
    alive(A, 0);
    const events = box.eventsOf(() => expect([send(2), send(3)]).toEqual([B, B]));
    expect(events).toEqual({ found: 1, given_up: 1 });
    alive(A);
    expect(send(2)).toBe(B);
  });

  it('keeps a retransmitted SYN where the first one went', () => {
    expect(send(1, SYN)).toBe(B);
    ring(settling(C, A), box.now + hour);
    expect(send(1, SYN)).toBe(B);
  });

  it('has a new connection on a port that an old one closed at the current backend, draining or not', () => {
    expect([send(2), send(2, FIN | ACK), send(2, SYN), send(2)]).toEqual([A, A, B, B]);
    expect(box.flows().map(([, flow]) => [flow.backend, flow.flags])).toEqual([[B, 0]]);
    ring(pinned(B));
    expect(send(2)).toBe(B);
  });

  it('has that one too at the previous backend while it cannot be remembered', () => {
    send(2, FIN | ACK);
    box.setBudgets({ syn: 0, other: 0 });
    expect([send(2, SYN), send(2)]).toEqual([A, A]);
  });

  it('takes back that a connection closes when it goes on: one side may close, and anybody may say so', () => {
    send(2, FIN | ACK);
    const [[key, flow]] = box.flows() as [[LbFlowKey, LbFlow]];
    send(2);
    expect(box.flows()[0]![1].flags).toBe(lbFlowFlag.OLDER | lbFlowFlag.CLOSING);
    box.maps.lbFlows!.set(key, { ...flow, seen: box.now - 2_000_000_000n });
    send(2);
    expect(box.flows()[0]![1].flags).toBe(lbFlowFlag.OLDER);
    send(2, FIN | ACK);
    const closed = box.flows()[0]![1];
    expect([closed.flags, closed.seen >= box.now - 1_000_000_000n]).toEqual([
      lbFlowFlag.OLDER | lbFlowFlag.CLOSING,
      true,
    ]);
  });

  it('keeps all connections of a client together where ports are not looked at, which no SYN or FIN of one tells', () => {
    const of = (port: number, flags: number = ACK) => send(port, flags, 82);
    expect([of(1, SYN), of(2), of(1, FIN | ACK), of(2)]).toEqual([A, A, A, A]);
    expect(box.flows().map(([key, flow]) => [key.source_port, flow.backend, flow.flags])).toEqual([
      [0, A, lbFlowFlag.OLDER],
    ]);
    ring(pinned(B));
    expect([of(2), of(3, SYN)]).toEqual([A, A]);
  });

  it('is not asked for services that go by hash alone', () => {
    expect([send(1, SYN, 81), send(2, ACK, 81)]).toEqual([B, B]);
    expect(box.flows()).toEqual([]);
  });
});

describe('floods', () => {
  it('of SYNs spend only the budget of SYNs: what is refused stays with the previous backend, and older flows are remembered', () => {
    ring(settling(B, A), box.now + hour);
    box.setBudgets({ syn: 5, other: 1000 });
    let went: (number | string)[] = [];
    const events = box.eventsOf(() => {
      went = Array.from({ length: 50 }, (_, i) => send(1000 + i, SYN));
      for (let i = 0; i < 20; i++) expect(send(5000 + i)).toBe(A);
    });
    const remembered = events.remembered_syn ?? 0;
    expect(went.filter((backend) => backend === B)).toHaveLength(remembered);
    expect(went.filter((backend) => backend === A)).toHaveLength(50 - remembered);
    expect(remembered).toBeGreaterThanOrEqual(5);
    expect(events).toEqual({ remembered_syn: remembered, refused_syn: 50 - remembered, remembered_other: 20 });
  });

  it('of other packets leave the budget of SYNs alone, and go where they would have gone', () => {
    ring(settling(B, A), box.now + hour);
    box.setBudgets({ syn: 1000, other: 0 });
    const events = box.eventsOf(() => {
      for (let i = 0; i < 50; i++) expect(send(1000 + i)).toBe(A);
      for (let i = 0; i < 20; i++) expect(send(5000 + i, SYN)).toBe(B);
    });
    expect(events).toEqual({ remembered_syn: 20, refused_other: 50 });
  });

  it('keep a connection whole: a SYN that was refused and its later packets meet at one backend', () => {
    ring(settling(B, A), box.now + hour);
    box.setBudgets({ syn: 0, other: 0 });
    for (let i = 0; i < 20; i++) expect([send(1000 + i, SYN), send(1000 + i), send(1000 + i)]).toEqual([A, A, A]);
  });

  it('prolong the settling while they are refused', () => {
    ring(settling(B, A), box.now + 50_000_000n, hour);
    box.setBudgets({ syn: 0, other: 0 });
    expect(send(1, SYN)).toBe(A);
    const until = Date.now() + 120;
    while (Date.now() < until);
    box.setBudgets({});
    expect(send(1)).toBe(A);
    expect(box.flows()).toHaveLength(1);
  });
});

describe('a slot without a backend', () => {
  it('drops, and says so', () => {
    ring(steady(0));
    expect(send(1)).toBe('no_backend');
    box.ring(1, []);
    expect(send(1)).toBe('no_backend');
    ring(steady(A));
    alive(A, 0);
    expect(send(1)).toBe('no_backend');
  });
});

describe('UDP', () => {
  it('by hash goes where the slot points, at once', () => {
    ring(settling(B, A), box.now + hour);
    expect([sendUdp(1, 54), sendUdp(2, 54)]).toEqual([B, B]);
  });

  it('tracked keeps every flow at its backend while that lives', () => {
    ring(steady(A));
    expect(sendUdp(1, 53)).toBe(A);
    ring(steady(B));
    expect([sendUdp(1, 53), sendUdp(2, 53)]).toEqual([A, B]);
    alive(A, 0);
    expect(sendUdp(1, 53)).toBe(B);
    alive(A);
    expect(sendUdp(1, 53)).toBe(B);
  });

  it('tracked counts the flows it sees for the first time', () => {
    ring(steady(A));
    const flows = () => [box.traffic('service', 11).flows, box.traffic('backend', A).flows];
    const before = flows();
    for (const port of [1, 1, 2, 1, 3]) sendUdp(port, 53);
    sendUdp(4, 54);
    expect(flows().map((count, i) => count - before[i]!)).toEqual([3, 3]);
  });

  it('tracked forgets a flow that was idle', () => {
    ring(steady(A));
    sendUdp(1, 53);
    const [[key, flow]] = [...box.maps.lbTracked!.entries()] as [[never, never]];
    box.maps.lbTracked!.set(key, { ...(flow as object), seen: box.now - 31_000_000_000n } as never);
    ring(steady(B));
    expect(sendUdp(1, 53)).toBe(B);
  });
});
