/** The life of a translated connection: how it is confirmed, closed, reset, forgotten, and what a flood can do to it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lbBackendState } from '../../../controlplane/bpf/generated/headrace.ts';
import { steady } from '../balancer/box.ts';
import { hosts, packet } from '../packets/packet.ts';
import { tcp, tcpFlag, udp } from '../packets/transport.ts';
import { BACKEND_PORT, ends, families, hexOf, idle, NatBox, PORT, sourceOf } from './box.ts';

const { SYN, ACK, FIN, RST } = tcpFlag;
const { client, vip, backend } = ends[4];
/** Room for few, so that a flood is soon made. */
const OPENING = 4096;
const SERVER_FIRST = 0xffff_fff0;

let box: NatBox;
beforeAll(() => {
  box = new NatBox({}, { nat_opening: OPENING, nat_flows: 4 });
});
afterAll(() => box?.close());
beforeEach(() => {
  box.reset();
  box.forget();
  box.setBudgets({});
  box.ring(4, [steady(4)]);
  for (const family of families) box.backend({ number: family, address: ends[family].backend, natPort: BACKEND_PORT });
  box.backend({ number: 5, address: '10.0.2.9', natPort: BACKEND_PORT });
});

const says = (flags: number, more: object = {}, port = 40_000): string =>
  box.send(
    packet({
      source: client,
      destination: vip,
      payload: tcp({ sourcePort: port, destinationPort: PORT, flags, acknowledged: (SERVER_FIRST + 1) >>> 0, ...more }),
    }),
  ).reason;
const answers = (flags: number, more: object = {}, port = 40_000): string =>
  box.send(
    packet({
      to: hosts.out0.router,
      from: hosts.out0.host,
      source: backend,
      destination: client,
      payload: tcp({ sourcePort: BACKEND_PORT, destinationPort: port, flags, sequence: SERVER_FIRST, ...more }),
    }),
    'out0',
  ).reason;
const establish = (port = 40_000): void => {
  says(SYN, {}, port);
  answers(SYN | ACK, {}, port);
  says(ACK, {}, port);
};
const talks = (): string =>
  box.send(packet({ source: client, destination: vip, payload: udp({ sourcePort: 40_000, destinationPort: PORT }) }))
    .reason;
const udpAnswers = (): string =>
  box.send(
    packet({
      to: hosts.out0.router,
      from: hosts.out0.host,
      source: backend,
      destination: client,
      payload: udp({ sourcePort: BACKEND_PORT, destinationPort: 40_000 }),
    }),
    'out0',
  ).reason;

describe('TCP', () => {
  it('is held once client, backend and client have spoken', () => {
    says(SYN);
    expect(box.states()).toEqual(['opening syn_sent']);
    answers(SYN | ACK);
    expect(box.states()).toEqual(['opening syn_recv']);
    says(ACK);
    expect(box.states()).toEqual(['held established']);
    expect(box.table('natFlows')).toHaveLength(2);
    expect(box.table('natOpening')).toHaveLength(0);
  });

  it('is not held for an acknowledgment of what the backend never sent', () => {
    says(SYN);
    answers(SYN | ACK);
    says(ACK, { acknowledged: 12_345_678 });
    expect(box.states()).toEqual(['opening syn_recv']);
    says(ACK);
    expect(box.states()).toEqual(['held established']);
  });

  it('closes from either side, and a new SYN begins anew', () => {
    establish();
    says(FIN | ACK);
    expect(box.states()).toEqual(['held fin']);
    answers(ACK);
    expect(box.states()).toEqual(['held fin']);
    answers(FIN | ACK);
    expect(box.states()).toEqual(['held closed']);
    expect([says(ACK), answers(ACK)]).toEqual(['balanced', 'nat_reply']);
    expect(says(SYN)).toBe('balanced');
    expect(box.states()).toEqual(['opening syn_sent']);
    expect(box.table('natFlows')).toHaveLength(0);
  });

  it('is reset by either side, but a reset that the backend does not know of does not last', () => {
    establish();
    answers(RST);
    expect(box.states()).toEqual(['held reset']);
    says(SYN);
    expect(box.states()).toEqual(['opening syn_sent']);
    box.forget();
    establish();
    says(RST);
    expect(box.states()).toEqual(['held reset']);
    box.age(1);
    answers(ACK);
    expect(box.states()).toEqual(['held established']);
  });

  it('that began elsewhere is taken up, and held when its backend answers', () => {
    expect(says(ACK)).toBe('balanced');
    expect(box.states()).toEqual(['opening picked_up']);
    expect(answers(ACK)).toBe('nat_reply');
    says(ACK);
    expect(box.states()).toEqual(['held established']);
  });

  it('a reset of nothing is dropped', () => {
    expect(says(RST)).toBe('nat_no_flow');
    expect(box.states()).toEqual([]);
  });

  it('keeps its backend when the ring says otherwise, and another begins where the ring says', () => {
    establish();
    box.ring(4, [steady(5)]);
    const to = (port: number, flags: number): string =>
      Buffer.from(
        box
          .send(
            packet({
              source: client,
              destination: vip,
              payload: tcp({ sourcePort: port, destinationPort: PORT, flags }),
            }),
          )
          .frame.slice(30, 34),
      ).toString('hex');
    expect(to(40_000, ACK)).toBe(hexOf(backend));
    expect(to(40_001, SYN)).toBe(hexOf('10.0.2.9'));
  });

  it('goes to another backend at once when its own is down', () => {
    establish();
    box.ring(4, [steady(5)]);
    box.backend({ number: 4, address: backend, natPort: BACKEND_PORT, state: lbBackendState.RESOLVED });
    const events = box.natEventsOf(() => expect(says(ACK)).toBe('balanced'));
    expect(events).toEqual({ begun: 1, given_up: 1 });
    expect(answers(ACK)).toBe('nat_no_flow');
  });

  it('a silent one is not broken by its age, but a SYN like it begins another', () => {
    establish();
    box.age(idle.established + 1);
    box.ring(4, [steady(5)]);
    says(ACK);
    expect(box.states()).toEqual(['held established']);
    box.age(idle.established + 1);
    says(SYN);
    expect(box.states()).toEqual(['opening syn_sent']);
  });
});

describe('UDP', () => {
  it('is held when the client goes on after an answer', () => {
    talks();
    talks();
    expect(box.states()).toEqual(['opening udp']);
    udpAnswers();
    expect(box.states()).toEqual(['opening udp']);
    talks();
    expect(box.states()).toEqual(['held udp_stream']);
    expect(udpAnswers()).toBe('nat_reply');
  });

  it('begins anew after its time, where the ring says', () => {
    talks();
    udpAnswers();
    talks();
    box.ring(4, [steady(5)]);
    box.age(idle.udp_stream - 5);
    talks();
    expect(box.states()).toEqual(['held udp_stream']);
    box.age(idle.udp_stream + 1);
    talks();
    expect(box.states()).toEqual(['opening udp']);
  });

  it('goes by its service’s own time where that has one', () => {
    talks();
    udpAnswers();
    talks();
    box.services({ idle: 1000 });
    box.age(idle.udp_stream + 1);
    talks();
    expect(box.states()).toEqual(['held udp_stream']);
    box.services({ idle: 0 });
  });
});

describe('a flood', () => {
  it('of SYNs pushes out those that begin, and no connection', () => {
    establish();
    box.setBudgets({ syn: 1_000_000 });
    // Each takes two entries, so this is more than there is room for.
    for (let i = 0; i < OPENING; i++)
      box.run(
        packet({
          source: '10.0.1.3',
          destination: vip,
          payload: tcp({ sourcePort: 1024 + i, destinationPort: PORT, flags: SYN, length: 0 }),
        }),
      );
    expect([says(ACK), answers(ACK)]).toEqual(['balanced', 'nat_reply']);
    expect(box.states()).toContain('held established');
    establish(61_000);
    expect(box.table('natFlows')).toHaveLength(4);
  });

  it('of connections leaves those beyond the room where the next flood may push them out, and counts', () => {
    for (const port of [1, 2]) establish(50_000 + port);
    const events = box.natEventsOf(() => establish(50_003));
    expect(events).toEqual({ begun: 1, refused_full: 1 });
    expect(says(ACK, {}, 50_003)).toBe('balanced');
    expect(answers(ACK, {}, 50_003)).toBe('nat_reply');
    expect(box.states().sort()).toEqual(['held established', 'held established', 'opening established']);
  });

  it('is limited a second and CPU, SYNs and others apart', () => {
    box.setBudgets({ syn: 0, other: 1000 });
    const events = box.natEventsOf(() => expect(says(SYN)).toBe('nat_refused'));
    expect(events).toEqual({ refused_budget: 1 });
    expect(says(ACK)).toBe('balanced');
    box.forget();
    box.setBudgets({ syn: 1000, other: 0 });
    expect([says(ACK), says(SYN)]).toEqual(['nat_refused', 'balanced']);
  });
});

it('a backend of this host is refused: its answers would not come by', () => {
  box.backend({ number: 4, address: backend, natPort: BACKEND_PORT, flags: 2 });
  expect(says(SYN)).toBe('backend_unable');
});

it('without any backend the service’s own answer is given', () => {
  box.ring(4, [0]);
  expect(says(SYN)).toBe('no_backend');
  expect(sourceOf(packet({ source: client, destination: vip }))).toBe(hexOf(client));
});
