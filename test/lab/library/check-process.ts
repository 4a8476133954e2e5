/**
 * Health checks from inside a lab host: `check-process POOLS`, with the pools to check as JSON (bytes as hex). Prints a
 * report as one line of JSON whenever a verdict has changed, and every 100 ms.
 */
import { HealthMonitor, type PoolChecks } from '../../../controlplane/health/index.ts';

const pools = JSON.parse(process.argv[2] ?? '[]', (key, value: unknown) =>
  (key === 'send' || key === 'expect') && typeof value === 'string' ? Buffer.from(value, 'hex') : value,
) as PoolChecks[];
const monitor = new HealthMonitor();
const print = (): void => console.log(JSON.stringify(monitor.report()));
monitor.onChange(print);
monitor.configure(pools);
setInterval(print, 100);
