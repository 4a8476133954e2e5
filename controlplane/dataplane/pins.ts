/** Where an instance keeps what must outlive its daemon. */
import path from 'node:path';

export interface InstancePaths {
  readonly instance: string;
  /** Mount point of the bpffs all instances share. */
  readonly bpffs: string;
  readonly pins: string;
  readonly maps: string;
  readonly links: string;
  /** Programs loaded beforehand. */
  readonly programs: string;
  /** Programs and links that count what is lost after the verdict. */
  readonly losses: string;
  /** Directory of sockets and the like. */
  readonly run: string;
  /** What outlives the machine's restarts: what operators said on the command line. */
  readonly state: string;
  readonly controlSocket: string;
}

/** @param root default /run/headrace, or what HEADRACE_RUN_DIR says. @param stateRoot default /var/lib/headrace, or HEADRACE_STATE_DIR. */
export function instancePaths(
  instance: string,
  root = process.env['HEADRACE_RUN_DIR'] ?? '/run/headrace',
  stateRoot = process.env['HEADRACE_STATE_DIR'] ??
    (process.env['HEADRACE_RUN_DIR'] ? path.join(root, 'state') : '/var/lib/headrace'),
): InstancePaths {
  const pins = path.join(root, 'bpf', instance);
  const run = path.join(root, instance);
  return {
    instance,
    bpffs: path.join(root, 'bpf'),
    pins,
    maps: path.join(pins, 'maps'),
    links: path.join(pins, 'links'),
    programs: path.join(pins, 'programs'),
    losses: path.join(pins, 'losses'),
    run,
    state: path.join(stateRoot, instance),
    controlSocket: path.join(run, 'control.sock'),
  };
}
