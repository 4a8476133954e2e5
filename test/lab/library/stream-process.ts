/**
 * The two ends of a Stream, each run as a process of its own in a host's namespace: `send` and `receive`. They speak on
 * standard output: "sent N", "received N" and "duplicates N" ten times a second and once more at SIGTERM.
 */
import { bind, close, errno, recv, sendto, setsockopt, socket } from '../../../controlplane/bpf/libc.ts';
import { udpPacket } from './udp-packet.ts';

interface Settings {
  readonly source: string;
  readonly destination: string;
  readonly rate: number;
  readonly port: number;
  readonly size: number;
  readonly flows: number;
  readonly count: number;
}

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const IPPROTO_RAW = 255;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const MSG_DONTWAIT = 0x40;
const EAGAIN = 11;
const EINTR = 4;
const ENOBUFS = 105;

const [, , mode, json = '{}'] = process.argv;
const settings = JSON.parse(json) as Settings;
const v6 = settings.destination.includes(':');

function send(): void {
  const fd = checked('open raw socket', socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_RAW));
  const flows = Array.from({ length: settings.flows }, (_, flow) =>
    udpPacket({
      source: settings.source,
      destination: settings.destination,
      sourcePort: 20_000 + flow,
      destinationPort: settings.port,
      size: settings.size,
    }),
  );
  const address = socketAddress(flows[0]!.destination, 0);
  let sent = 0;
  const report = (): void => say(`sent ${sent}`);
  const finish = (): void => {
    report();
    close(fd);
    process.exit(0);
  };
  process.on('SIGTERM', finish);
  setInterval(report, 100);
  const start = process.hrtime.bigint();
  const burst = (): void => {
    // A stream that was held up catches up gently: a burst larger than a queue would be our loss, not the network's.
    const due =
      settings.rate === 0
        ? sent + 512
        : Math.min(sent + 64, Math.floor((Number(process.hrtime.bigint() - start) / 1e9) * settings.rate));
    const goal = settings.count === 0 ? due : Math.min(due, settings.count);
    while (sent < goal) {
      const packet = flows[sent % flows.length]!;
      packet.number(sent);
      if (sendto(fd, packet.bytes, packet.bytes.length, 0, address, address.length) < 0) {
        const code = errno();
        if (code === ENOBUFS || code === EAGAIN || code === EINTR) break;
        throw new Error(`send packet: errno ${code}`);
      }
      sent++;
    }
    if (settings.count !== 0 && sent >= settings.count) finish();
    else if (settings.rate === 0 || settings.rate > 20_000) setImmediate(burst);
    else setTimeout(burst, 2);
  };
  say('sending');
  burst();
}

function receive(): void {
  const fd = checked('open socket', socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0));
  const size = new Uint8Array(Uint32Array.of(64 << 20).buffer);
  checked('enlarge receive buffer', setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4));
  const any = socketAddress(new Uint8Array(v6 ? 16 : 4), settings.port);
  checked('bind socket', bind(fd, any, any.length));
  const seen = new SeenNumbers();
  const data = new Uint8Array(65_536);
  const view = new DataView(data.buffer);
  const drain = (): void => {
    while (recv(fd, data, data.length, MSG_DONTWAIT) >= 8) seen.add(view.getUint32(4));
  };
  const report = (): void => say(`received ${seen.size}\nduplicates ${seen.duplicates}`);
  process.on('SIGTERM', () => {
    drain();
    report();
    process.exit(0);
  });
  setInterval(drain, 10);
  setInterval(report, 100);
  say('listening');
}

/** A set of packet numbers, a bit each. */
class SeenNumbers {
  size = 0;
  duplicates = 0;
  #bits = new Uint8Array(1 << 16);

  add(value: number): void {
    const index = value >>> 3;
    if (index >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(this.#bits.length * 2, index + 1));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    const mask = 1 << (value & 7);
    if ((this.#bits[index]! & mask) !== 0) this.duplicates++;
    else {
      this.#bits[index]! |= mask;
      this.size++;
    }
  }
}

/** struct sockaddr_in or sockaddr_in6: family in host order, port and address in network order. */
function socketAddress(address: Uint8Array, port: number): Uint8Array {
  const bytes = new Uint8Array(address.length === 16 ? 28 : 16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, address.length === 16 ? AF_INET6 : AF_INET, true);
  view.setUint16(2, port);
  bytes.set(address, address.length === 16 ? 8 : 4);
  return bytes;
}

function checked(what: string, result: number): number {
  if (result < 0) throw new Error(`${what}: errno ${errno()}`);
  return result;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

if (mode === 'send') send();
else receive();
