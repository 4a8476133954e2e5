/**
 * Both routers are changed alike while packets go through them: routes, next hops, neighbors, a link, rules. Nothing that
 * changes makes a destination unreachable, so what is plainly forwardable stays so.
 *
 * After a change a mark is set and waited for: a route of its own that leads by one port and then by another. When the
 * packet path sends a packet for it by the new port, everything that the kernel announced before has come to it.
 */
import { packet } from '../../dataplane/packets/packet.ts';
import { udp } from '../../dataplane/packets/transport.ts';
import { until } from '../library/index.ts';
import { type Box, hostMac, routerMac, senders } from './boxes.ts';
import type { Capture } from './capture.ts';
import type { Random } from './random.ts';
import { tagged } from './tag.ts';

const marks = { 4: '192.0.2.200', 6: '2001:db8:aaaa::1' } as const;
const via = (port: number, family: 4 | 6): string => (family === 4 ? `10.0.${port}.2` : `fd00:${port}::2`);
/** Ways out that all plain packets may take. */
const ways = [1, 2, 7] as const;

/** What is done, and what undoes it later. */
interface Change {
  readonly lines: readonly string[];
  readonly undo: readonly string[];
}

type Make = (random: Random) => Change;

const plain = {
  4: ['198.51.100.0/24', '198.51.100.0/25', '198.51.100.64/26', '198.51.100.200/32'],
  6: ['2001:db8:100::/48', '2001:db8:100::/64', '2001:db8:100::/120', '2001:db8:100::80/121'],
} as const;

/** A more specific route, or the same by another port; the table's own route comes back. */
const route =
  (family: 4 | 6): Make =>
  (random) => {
    const prefix = random.pick(plain[family]);
    const own = prefix === plain[family][0];
    return {
      lines: [`route replace ${prefix} via ${via(random.pick(ways), family)}`],
      undo: [own ? `route replace ${prefix} via ${via(1, family)}` : `route delete ${prefix}`],
    };
  };

const multipath =
  (family: 4 | 6): Make =>
  () => ({
    lines: [`route replace ${plain[family][2]} nexthop via ${via(1, family)} nexthop via ${via(7, family)}`],
    undo: [`route delete ${plain[family][2]}`],
  });

const defaultRoute =
  (family: 4 | 6): Make =>
  (random) => ({
    lines: [`route replace default via ${via(random.pick(ways), family)}`],
    undo: [`route replace default via ${via(1, family)}`],
  });

const nexthopObject: Make = (random) => {
  const [first, second] = [random.pick(ways), random.pick(ways)];
  return {
    lines: [
      `nexthop add id 5 via ${via(first, 4)} dev p${first}`,
      'route replace 198.51.100.0/25 nhid 5',
      `nexthop replace id 5 via ${via(second, 4)} dev p${second}`,
    ],
    // The route goes with it, without a message.
    undo: ['nexthop delete id 5'],
  };
};

/** For packets from port 0 only, by a metric worse than that of the route for all. */
const sourcePrefix: Make = (random) => {
  const [prefix] = plain[6];
  const from = `route add ${prefix} from fd00::/64 via ${via(random.pick(ways), 6)}`;
  return { lines: [`${from} metric 2000`], undo: [`route delete ${prefix} from fd00::/64 metric 2000`] };
};

const neighbor =
  (family: 4 | 6): Make =>
  (random) => {
    const port = random.pick(ways);
    const known = (mac: string): string =>
      `neigh replace ${via(port, family)} lladdr ${mac} dev p${port} nud permanent`;
    return { lines: [known(`02:00:00:00:99:0${random.below(10)}`)], undo: [known(hostMac(port))] };
  };

const rule =
  (family: 4 | 6): Make =>
  (random) => {
    const other = `default via ${via(random.pick(ways), family)} table 100`;
    const selected = `to ${plain[family][1]} lookup 100 priority 100`;
    return {
      lines: [`route add ${other}`, `rule add ${selected}`],
      undo: [`rule delete ${selected}`, `route delete ${other}`],
    };
  };

/** The link takes its addresses, neighbors and routes along; they are put back at once. */
const link: Make = () => ({
  lines: [
    'link set q8 down',
    'link set q8 up',
    'address replace 10.0.8.1/24 brd + dev q8',
    'address replace fd00:8::1/64 dev q8 nodad',
    ...senders.flatMap((sender) => [
      `neigh replace 10.0.8.${sender} lladdr ${hostMac(8)} dev q8 nud permanent`,
      `neigh replace fd00:8::${sender} lladdr ${hostMac(8)} dev q8 nud permanent`,
    ]),
    `route replace 198.18.1.0/24 via ${via(8, 4)}`,
    `route replace 2001:db8:8::/48 via ${via(8, 6)}`,
  ],
  undo: [],
});

const kinds: readonly Make[] = [
  ...([4, 6] as const).flatMap((family) => [
    route(family),
    route(family),
    multipath(family),
    defaultRoute(family),
    neighbor(family),
    rule(family),
  ]),
  nexthopObject,
  sourcePrefix,
  link,
];

export class RouterChanges {
  readonly #boxes: readonly Box[];
  readonly #captures: readonly Capture[];
  readonly #random: Random;
  readonly #nextId: () => number;
  #undo: readonly string[] = [];
  #port: 1 | 7 = 1;

  /** `nextId`: numbers of packets that are not compared. */
  constructor(boxes: readonly Box[], captures: readonly Capture[], random: Random, nextId: () => number) {
    this.#boxes = boxes;
    this.#captures = captures;
    this.#random = random;
    this.#nextId = nextId;
  }

  /** Undoes the last change, makes another, and waits until both packet paths know of it. */
  async step(): Promise<void> {
    const { lines, undo } = this.#random.pick(kinds)(this.#random);
    this.#port = this.#port === 1 ? 7 : 1;
    const marked = ([4, 6] as const).map((family) => `route replace ${marks[family]} via ${via(this.#port, family)}`);
    const all = [...this.#undo, ...lines, ...marked];
    for (const { router } of this.#boxes)
      for (const family of ['-4', '-6'] as const) {
        const own = all.filter((line) => line.includes('::') === (family === '-6'));
        router.exec(['ip', family, '-batch', '-'], { input: `${own.join('\n')}\n` });
      }
    this.#undo = undo;
    for (const family of [4, 6] as const) await this.#arrives(family);
  }

  async #arrives(family: 4 | 6): Promise<void> {
    await until(
      `IPv${family} packets to leave by port ${this.#port}`,
      async () => {
        const id = this.#nextId();
        const frame = packet({
          to: routerMac(0),
          from: hostMac(0),
          source: family === 4 ? '10.0.0.2' : 'fd00::2',
          destination: marks[family],
          payload: udp({ data: tagged(id, 16) }),
        });
        for (const capture of this.#captures) capture.send(0, frame);
        const departures = await until(
          'a packet to leave both routers',
          () => {
            for (const capture of this.#captures) capture.collect();
            const all = this.#captures.map((capture) => capture.of(id));
            return all.every((each) => each.length > 0) ? all : undefined;
          },
          { everyMs: 2 },
        );
        return departures.every((each) => each[0]!.port === this.#port);
      },
      { everyMs: 5 },
    );
  }
}
