/** Tells the service manager how we are (sd_notify(3)): a datagram to the socket it named. Nothing without one. */
import { close, sendto, socket } from '../../controlplane/bpf/libc.ts';

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;

export function notifyManager(state: string): void {
  const name = process.env['NOTIFY_SOCKET'];
  if (!name) return;
  const fd = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) return;
  const path = Buffer.from(name.startsWith('@') ? `\0${name.slice(1)}` : name);
  const address = Buffer.concat([Buffer.of(AF_UNIX, 0), path]);
  const message = Buffer.from(state);
  sendto(fd, message, message.length, 0, address, address.length);
  close(fd);
}

/** Milliseconds between two signs of life the manager wants, or undefined. */
export function watchdogIntervalMs(): number | undefined {
  const microseconds = Number(process.env['WATCHDOG_USEC'] ?? 0);
  return microseconds > 0 ? microseconds / 2000 : undefined;
}
