/**
 * A real server of few words: says its name before whatever it is sent, over TCP and UDP.
 *
 * Arguments: NAME PORT VIP…; over UDP it only answers from addresses it was told, as servers behind a balancer must.
 */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const [name = '', port = '', ...vips] = process.argv.slice(2);

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (data) => socket.write(`${name} ${data}`));
  socket.on('error', () => socket.destroy());
});
const sockets = vips.map((address) => {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (data, from) => socket.send(`${name} ${data}`, from.port, from.address));
  return { socket, address };
});
let waiting = 1 + sockets.length;
const ready = (): void => {
  if (--waiting === 0) console.log('ready');
};
server.listen({ port: Number(port), host: '::', backlog: 4096 }, ready);
for (const { socket, address } of sockets) socket.bind(Number(port), address, ready);
