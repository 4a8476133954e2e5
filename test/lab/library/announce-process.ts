/** An announcer in a process of its own, to be killed: `announce-process keep|withdraw VIP`. Prints when it announces. */
import { Announcer } from '../../../controlplane/announce/index.ts';
import { monotonicClock } from '../../../controlplane/health/index.ts';
import { announceDefaults, TestServices } from './announce-lab.ts';

const [onExit, vip = ''] = process.argv.slice(2);
const services = new TestServices();
services.set('www', [vip]);
const announcer = new Announcer({
  services,
  clock: monotonicClock,
  instance: 'killed',
  onEvent: (event) => console.log(event.now, event.vip),
});
await announcer.apply({ ...announceDefaults, onExit: onExit === 'withdraw' ? 'withdraw' : 'keep' });
// The device alone does not keep the process.
setInterval(() => undefined, 1000);
