/** Does the daemon run, and what does it say? */
import { type Check, ok, system } from '../check.ts';

export const daemon: Check = {
  name: 'daemon',
  why: 'The packet path goes on without its daemon, but follows nothing: a changed interface, address or setting is not noticed.',
  examine({ daemon: running, ownPrograms }) {
    if (!running)
      return ownPrograms.length > 0
        ? [
            {
              subject: system,
              verdict: 'warn',
              says: 'the daemon is not running; what it attached goes on forwarding',
              mend: 'systemctl start headrace',
            },
          ]
        : [{ subject: system, verdict: 'note', says: 'the daemon is not running' }];
    if (running.healthy) return [ok(system, `the daemon runs (pid ${running.pid})`)];
    return running.problems.map((problem) => ({ subject: system, verdict: 'fail' as const, says: problem }));
  },
};
