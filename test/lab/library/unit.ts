/**
 * Running Headrace as its systemd units do, on a machine whose init need not be systemd: as a user that is not root, with
 * the capabilities the unit file names and no others, without a way to get more, with sysctls that cannot be written,
 * and with pins on a mount that was given to that user.
 *
 * The capabilities are read from the unit files, so what the lab proves enough is what is shipped.
 */
import { chmodSync, chownSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ensureBpffs } from '../../../controlplane/bpf/index.ts';
import type { Host } from './host.ts';
import { headraceProgram, repository } from './repository.ts';

/** A user and group nobody else has. */
export const unitUser = 64_230;
/** Stands for the groups `bird` and `frrvty`, which the daemon's user joins at the installation where they exist. */
const routingGroup = 64_231;

export type Unit = 'headrace' | 'headrace-load';

/** Names as capabilities(7) has them. */
export function capabilitiesOf(unit: Unit): string[] {
  const text = readFileSync(path.join(repository, `systemd/${unit}.service`), 'utf8');
  const named = (key: string): string[] => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1]?.split(' ') ?? [];
  const ambient = named('AmbientCapabilities');
  if (ambient.length === 0 || ambient.join() !== named('CapabilityBoundingSet').join())
    throw new Error(`read systemd/${unit}.service: AmbientCapabilities and CapabilityBoundingSet differ`);
  return ambient;
}

/** Lets the unit's user ask a routing daemon at its socket, as Debian's BIRD and FRR let the members of their groups. */
export function letUnitAsk(socket: string): void {
  chownSync(socket, -1, routingGroup);
  chmodSync(socket, 0o770);
}

/**
 * Sets what the installation's sysctl file lets the daemon's user do: ping sockets. The rest of the file is about the
 * kernel's forwarding, which each story settles for itself.
 */
export function allowPings(host: Host): void {
  const key = 'net.ipv4.ping_group_range';
  const text = readFileSync(path.join(repository, 'systemd/sysctl.conf'), 'utf8');
  const value = new RegExp(`^${key} = (.*)$`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`read systemd/sysctl.conf: it does not set ${key}`);
  host.sysctl(key, value);
}

/** Mounts and gives away what tmpfiles and the mount unit do on a machine of systemd's. */
export function prepareRunDirectory(runDirectory: string): void {
  mkdirSync(runDirectory, { recursive: true });
  chownSync(runDirectory, 0, unitUser);
  chmodSync(runDirectory, 0o1775);
  ensureBpffs(`${runDirectory}/bpf`);
  chownSync(`${runDirectory}/bpf`, unitUser, unitUser);
}

/**
 * In a mount namespace of its own, as a service has one: the checkout and node are made reachable for a user who may not
 * be able to enter the folders they are in, and sysctls are read-only (ProtectKernelTunables).
 */
const script = `set -e
mount --bind "$1" "$2"
mount --bind "$3" "$4"
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
shift 4
exec setpriv "$@"`;

/** The command that runs the program, or another module of the build, with these words as the unit would. */
export function unitCommand(host: Host, unit: Unit, words: readonly string[], module = headraceProgram): string[] {
  const checkout = `${host.folder}/checkout`;
  const nodeFolder = `${host.folder}/node`;
  mkdirSync(checkout, { recursive: true });
  mkdirSync(nodeFolder, { recursive: true });
  const capabilities = capabilitiesOf(unit).map((name) => `+${name.toLowerCase().replace('cap_', '')}`);
  const set = ['-all', ...capabilities].join(',');
  return [
    ...['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', script, 'sh'],
    ...[repository, checkout, path.dirname(process.execPath), nodeFolder],
    ...[`--reuid=${unitUser}`, `--regid=${unitUser}`, `--groups=${routingGroup}`, '--no-new-privs'],
    ...[`--inh-caps=${set}`, `--ambient-caps=${set}`, `--bounding-set=${set}`],
    path.join(nodeFolder, path.basename(process.execPath)),
    path.join(checkout, path.relative(repository, module)),
    ...words,
  ];
}
