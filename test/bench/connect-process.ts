/**
 * A client that opens connections, asks once by each and closes it, as fast as it is answered: a process of
 * balancer-path.ts. Prints what it did as JSON.
 *
 *     node connect-process.js ADDRESS PORT MILLISECONDS AT_A_TIME
 */
import { connect } from 'node:net';

const [address = '', port, milliseconds, atATime] = process.argv.slice(2);
const until = performance.now() + Number(milliseconds);
let [answered, failed] = [0, 0];

function once(): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: Number(port), noDelay: true });
    let bytes = 0;
    socket.setTimeout(2000, () => socket.destroy(new Error('no answer')));
    socket.on('connect', () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    socket.on('data', (data) => {
      bytes += data.length;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (bytes > 0) answered++;
      else failed++;
      resolve();
    });
  });
}

const started = performance.now();
await Promise.all(
  Array.from({ length: Number(atATime) }, async () => {
    while (performance.now() < until) await once();
  }),
);
console.log(JSON.stringify({ answered, failed, seconds: (performance.now() - started) / 1000 }));
