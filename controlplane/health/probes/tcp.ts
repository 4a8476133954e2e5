/**
 * A TCP connect. The connection is reset, not closed: thousands of checks would otherwise leave as many ports of this
 * box in TIME_WAIT, until none is left to check from.
 */
import { connect } from 'node:net';
import { fromError, type Outcome, success, timeout } from '../outcome.ts';
import type { TcpProbe } from '../spec.ts';
import type { Run } from './probe.ts';

export function tcpRun({ port }: TcpProbe): Run {
  return ({ address, localAddress }, timeoutMs) =>
    new Promise<Outcome>((resolve) => {
      const socket = connect({ host: address, port, noDelay: true, ...(localAddress && { localAddress }) });
      const timer = setTimeout(() => end(timeout(timeoutMs, 'connection')), timeoutMs);
      const end = (outcome: Outcome): void => {
        clearTimeout(timer);
        socket.resetAndDestroy();
        resolve(outcome);
      };
      socket.once('connect', () => end(success(`port ${port} accepts`)));
      // Stays: an error may follow the end.
      socket.on('error', (error) => end(fromError(error)));
    });
}
