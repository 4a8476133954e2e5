/** What the daemon must survive: a reload that is refused when half of it is done, and nonsense on its control socket. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Farm, PORT, vip4 } from './balancer/farm.ts';
import { type Headrace, headrace, Lab, until } from './library/index.ts';

const taken = '127.0.0.1:9481';

describe('a balancer whose last service a refused reload would remove', () => {
  let lab: Lab;
  let farm: Farm;
  let box: Headrace;

  const config = (more: object): object => ({
    version: 1,
    dataplane: { interfaces: [{ match: 'p*' }] },
    ...more,
  });
  const balancing = (): object =>
    config({
      pools: { web: { backends: { a: { address: farm.address('a') } } } },
      services: {
        www: {
          frontends: [{ vip: vip4, tcp: [PORT] }],
          pool: 'web',
          forward: { mode: 'l2' },
          balance: { table: 1021 },
        },
      },
    });
  const answers = (): boolean => {
    const script = `printf x | timeout 5 bash -c 'exec 3<>/dev/tcp/${vip4}/${PORT}; printf x >&3; head -c 1 <&3'`;
    return farm.client.exec(['bash', '-c', script], { mayFail: true }).stdout.includes('a');
  };
  const reload = async (next: object, outcome: string): Promise<void> => {
    const count = (): number => box.process.stderr.split(outcome).length;
    const before = count();
    box.configure(next);
    process.kill(box.process.pid, 'SIGHUP');
    await until(`"${outcome}"`, () => count() > before);
  };

  beforeAll(async () => {
    lab = new Lab('refused');
    farm = new Farm(lab, ['a']);
    await farm.serve('a');
    box = await headrace(farm.box, balancing());
    await until('an answer', answers);
  });
  afterAll(() => lab?.cleanup());

  it('goes on balancing', async () => {
    // Two listeners on one address: the last part to go over cannot, and by then the others have.
    await reload(config({ metrics: { listen: taken }, web: { listen: taken } }), 'reload refused');
    expect(box.process.stderr).not.toContain('could not go back');
    expect(answers()).toBe(true);
    // The route that keeps the kernel from routing the VIP's packets on is back, too.
    expect(farm.box.exec(['ip', 'route', 'show', 'table', 'main', 'type', 'blackhole']).stdout).toContain(vip4);
  });

  it('stops when the reload is not refused, and begins again', async () => {
    await reload(config({}), 'configuration reloaded');
    expect(answers()).toBe(false);
    await reload(balancing(), 'configuration reloaded');
    await until('an answer', answers);
  });

  it('survives a request that is none', () => {
    const socket = `${farm.box.runDirectory}/${box.instance}/control.sock`;
    const ask = (target: string): string =>
      farm.box.exec([
        ...['curl', '-sS', '--path-as-is', '--max-time', '10', '--unix-socket', socket],
        ...['-o', '/dev/null', '-w', '%{http_code}', `http://box${target}`],
      ]).stdout;
    expect(ask('//')).toBe('400');
    expect(ask('/status')).toBe('200');
  });
});
