/**
 * One question and its answer over UDP. The socket is connected, so that only the backend's answers come in and a port
 * nobody listens on is known at once from ICMP.
 */
import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { fromError, type Outcome, timeout } from '../outcome.ts';
import type { Destination } from './probe.ts';

/** @param judge what to make of an answer; undefined waits for the next. */
export function exchange(
  { address, localAddress }: Destination,
  port: number,
  question: Uint8Array,
  timeoutMs: number,
  judge: (answer: Buffer) => Outcome | undefined,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = createSocket({
      type: isIP(address) === 6 ? 'udp6' : 'udp4',
      // Addresses only, so no name has to be looked up, and nothing waits for a thread.
      lookup: (name, _, done) => done(null, name, isIP(name)),
    });
    const timer = setTimeout(() => end(timeout(timeoutMs, 'answer')), timeoutMs);
    let ended = false;
    const end = (outcome: Outcome): void => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      socket.close();
      resolve(outcome);
    };
    socket.on('error', (error) => end(fromError(error)));
    socket.on('message', (answer) => {
      const outcome = judge(answer);
      if (outcome) end(outcome);
    });
    const ask = (): void => {
      if (ended) return;
      socket.connect(port, address, () => {
        if (ended) return;
        socket.send(question, (error) => {
          if (error) end(fromError(error));
        });
      });
    };
    if (localAddress) socket.bind({ address: localAddress, exclusive: true }, ask);
    else ask();
  });
}
