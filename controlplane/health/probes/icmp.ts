/** ICMP echo: says that a host is there, and nothing of its service. Best beside another check. */
import { randomBytes } from 'node:crypto';
import { parseIp } from '../../netlink/index.ts';
import { fromError, type Outcome, success, timeout } from '../outcome.ts';
import { IcmpError, IcmpSocket, TOKEN_BYTES } from './icmp-socket.ts';
import type { Run } from './probe.ts';

/** The sockets all ICMP checks of a monitor share; opened when first needed. */
export class IcmpEcho {
  readonly #sockets: Partial<Record<4 | 6, IcmpSocket>> = {};
  readonly #waiting = new Map<string, () => void>();

  readonly run: Run = ({ address }, timeoutMs) => {
    const target = parseIp(address);
    if (!target) return Promise.resolve({ result: 'error', detail: `${address} is no address` });
    return new Promise<Outcome>((resolve) => {
      const token = randomBytes(TOKEN_BYTES);
      const key = token.toString('hex');
      const timer = setTimeout(() => end(timeout(timeoutMs, 'echo reply')), timeoutMs);
      const end = (outcome: Outcome): void => {
        clearTimeout(timer);
        this.#waiting.delete(key);
        resolve(outcome);
      };
      this.#waiting.set(key, () => end(success('echo reply')));
      try {
        this.#socket(target.family).send(target.bytes, token);
      } catch (error) {
        // That there is no socket is said better by the socket.
        end(error instanceof IcmpError ? { result: 'error', detail: error.message } : fromError(error));
      }
    });
  };

  #socket(family: 4 | 6): IcmpSocket {
    const open = this.#sockets[family] ?? new IcmpSocket(family, (token) => this.#waiting.get(token)?.());
    this.#sockets[family] = open;
    return open;
  }

  close(): void {
    for (const socket of Object.values(this.#sockets)) socket.close();
  }
}
