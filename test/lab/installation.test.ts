/**
 * What scripts/install.sh puts where, and what systemd's own tools say of the units: judged over this machine's files
 * with the installation laid on top, in a mount namespace of their own, so that nothing of the machine is touched.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from './library/repository.ts';
import { capabilitiesOf } from './library/unit.ts';

const services = ['headrace.service', 'headrace-load.service', 'headrace-decap.service'];
const units = [...services, 'run-headrace-bpf.mount'];
/** As systemd-analyze rates: 0 is locked in, 10 is everything. */
const MOST_EXPOSURE = 2.5;

describe('an installation', () => {
  let folder: string;
  let root: string;

  beforeAll(() => {
    // On a file system of its own: a layer of an overlay may not lie in another.
    folder = mkdtempSync('/dev/shm/hr-installation-');
    chmodSync(folder, 0o755);
    root = path.join(folder, 'root');
    install();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (command: string, ...words: readonly string[]): { status: number | null; text: string } => {
    const result = spawnSync(command, words, {
      encoding: 'utf8',
      cwd: '/',
      env: { ...process.env, DESTDIR: root, SYSTEMD_COLORS: '0' },
    });
    return { status: result.status, text: `${result.stdout}${result.stderr}` };
  };
  const install = (...words: readonly string[]): void => {
    const { status, text } = run(path.join(repository, 'scripts/install.sh'), ...words);
    if (status !== 0) throw new Error(text);
  };
  /** Runs a shell line with `$root` being this machine with the installation on top. */
  const overlaid = (line: string): { status: number | null; text: string } =>
    run(
      'unshare',
      '--mount',
      'sh',
      '-c',
      `mkdir -p "$1/merged" && mount -t overlay overlay -o "lowerdir=$1/root:/" "$1/merged" && root=$1/merged && ${line}`,
      'sh',
      folder,
    );

  it('has a program that runs, without what is for development', () => {
    expect(run(`${root}/usr/bin/headrace`, '--version')).toEqual({ status: 0, text: '0.1.0\n' });
    const check = run(`${root}/usr/bin/headrace`, 'check', '-c', `${root}/etc/headrace/headrace.yaml`);
    expect(check.status, check.text).toBe(0);
    const packages = readdirSync(`${root}/usr/lib/headrace/node_modules`);
    expect(packages).toContain('koffi');
    for (const name of ['vitest', 'typescript', '@biomejs', 'tsx']) expect(packages).not.toContain(name);
    const objects = readdirSync(`${repository}/xdp-programs`).filter((name) => /^(?!.*bench).*\.bpf\.c$/.test(name));
    expect(readdirSync(`${root}/usr/lib/headrace/build/xdp`).sort()).toEqual(
      objects.map((name) => name.replace(/c$/, 'o')).sort(),
    );
  });

  it('has what Grafana and Prometheus need beside it', () => {
    const share = `${root}/usr/share/headrace`;
    const provisioning = readFileSync(`${share}/grafana/provisioning/dashboards.yaml`, 'utf8');
    const folder = /path: (\S+)/.exec(provisioning)?.[1];
    const boards = readdirSync(`${root}${folder}`);
    expect(boards).toEqual(readdirSync(`${repository}/monitoring/grafana/dashboards`));
    expect(boards.length).toBeGreaterThan(2);
    expect(readdirSync(`${share}/prometheus`)).toEqual(['headrace-alerts.yaml', 'headrace-recording.yaml']);
  });

  it('has units that systemd finds nothing wrong with', () => {
    expect(overlaid(`systemd-analyze verify --root=$root ${units.join(' ')}`)).toEqual({ status: 0, text: '' });
    // And would find what is.
    const unit = `${root}/usr/lib/systemd/system/headrace.service`;
    const text = readFileSync(unit, 'utf8');
    writeFileSync(
      unit,
      text.replace('[Service]', '[Service]\nRestrat=always').replace('/usr/bin/headrace', '/usr/bin/hadrace'),
    );
    const wrong = overlaid('systemd-analyze verify --root=$root headrace.service').text;
    writeFileSync(unit, text);
    expect(wrong).toContain('Restrat');
    expect(wrong).toContain('hadrace');
  });

  it.each(services)('%s is exposed to little', (unit) => {
    const { status, text } = run(
      'systemd-analyze',
      'security',
      '--offline=true',
      '--no-pager',
      `--threshold=${MOST_EXPOSURE * 10}`,
      `${root}/usr/lib/systemd/system/${unit}`,
    );
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(text)?.[1]);
    expect(exposure).toBeGreaterThan(0);
    expect(exposure).toBeLessThanOrEqual(MOST_EXPOSURE);
    expect(status).toBe(0);
  });

  it('gives the daemon two capabilities, and the loader one more', () => {
    expect(capabilitiesOf('headrace')).toEqual(['CAP_BPF', 'CAP_NET_ADMIN']);
    expect(capabilitiesOf('headrace-load')).toEqual(['CAP_BPF', 'CAP_NET_ADMIN', 'CAP_PERFMON']);
  });

  it('makes the user and the run directory', () => {
    expect(run('systemd-sysusers', `--root=${root}`)).toMatchObject({ status: 0 });
    const user = readFileSync(`${root}/etc/passwd`, 'utf8')
      .split('\n')
      .find((line) => line.startsWith('headrace:'));
    expect(user).toMatch(/^headrace:x:\d+:(\d+):Headrace router:\/var\/lib\/headrace:\/usr\/sbin\/nologin$/);
    const tmpfiles = run('systemd-tmpfiles', '--create', `--root=${root}`);
    expect(tmpfiles, tmpfiles.text).toMatchObject({ status: 0 });
    const { mode, uid, gid } = statSync(`${root}/run/headrace`);
    expect([mode & 0o7777, uid, gid]).toEqual([0o1775, 0, Number(user!.split(':')[3])]);
  });

  it('names sysctls that this kernel has', () => {
    const text = readFileSync(`${root}/usr/lib/sysctl.d/60-headrace.conf`, 'utf8');
    const names = [...text.matchAll(/^(?:#\s+)?(net\.\S+) = \d/gm)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThan(12);
    for (const name of names)
      expect([name, existsSync(`/proc/sys/${name.replaceAll('.', '/')}`)]).toEqual([name, true]);
  });

  it('is replaced by another one, which keeps the configuration', () => {
    writeFileSync(`${root}/etc/headrace/headrace.yaml`, 'version: 1\n');
    writeFileSync(`${root}/usr/lib/headrace/left-over`, '');
    install();
    expect(readFileSync(`${root}/etc/headrace/headrace.yaml`, 'utf8')).toBe('version: 1\n');
    expect(existsSync(`${root}/usr/lib/headrace/left-over`)).toBe(false);
    expect(run(`${root}/usr/bin/headrace`, '--version').status).toBe(0);
  });

  it('is removed but for the configuration', () => {
    install('uninstall');
    const left = run('find', root, '-type', 'f', '-o', '-type', 'l').text.trim().split('\n');
    expect(left.filter((file) => file.includes('headrace')).map((file) => path.relative(root, file))).toEqual([
      'etc/headrace/headrace.yaml',
    ]);
  });
});
