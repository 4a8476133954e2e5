/**
 * The units under a real systemd: a container boots this machine's files with the installation laid on top, starts the
 * service as an operator would, and writes down what it saw. Only what no other test can show is looked at here: that the
 * sandbox, the system-call filter, the mount, sysusers and tmpfiles work together.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from './library/repository.ts';

/** Runs in the container; each line that begins with @ is looked at below. */
const story = `#!/bin/bash
exec >/story.log 2>&1
systemd-sysusers /usr/lib/sysusers.d/headrace.conf; systemd-tmpfiles --create /usr/lib/tmpfiles.d/headrace.conf
ip link add vt0 type veth peer name vt1; ip link set vt0 up; ip link set vt1 up
pid() { systemctl show --property=MainPID --value headrace; }
program() { ip -details link show vt0 | sed -n 's/.*prog\\/xdp id \\([0-9]*\\).*/\\1/p'; }
well() { headrace status --json | node -p 'const s = JSON.parse(require("fs").readFileSync(0)); s.healthy ? "all well" : s.problems.join("; ")'; }
systemctl start headrace; echo "@start $?"
echo "@state $(systemctl is-active headrace) $(systemctl show --property=StatusText --value headrace)"
echo "@status $(well)"
echo "@notes $(headrace status --json | node -p 'JSON.parse(require("fs").readFileSync(0)).notes.filter((note) => note.includes("PERFMON")).length')"
echo "@user $(stat -c %U /proc/$(pid)) $(stat -c '%U %a' /run/headrace/bpf | tr -d ' ')"
echo "@capabilities $(sed -n 's/^CapBnd:\\s*//p' /proc/$(pid)/status) $(sed -n 's/^Seccomp:\\s*//p' /proc/$(pid)/status)"
before=$(program)
systemctl reload headrace; echo "@reload $?"
echo 'version: 2' >/etc/headrace/wrong.yaml; mv /etc/headrace/headrace.yaml /etc/headrace/right.yaml
mv /etc/headrace/wrong.yaml /etc/headrace/headrace.yaml
systemctl reload headrace; echo "@wrong $? $(systemctl is-active headrace)"
mv /etc/headrace/right.yaml /etc/headrace/headrace.yaml
old=$(pid); kill -KILL $old
for i in $(seq 200); do new=$(pid); [ "$new" != "$old" ] && [ "$new" != 0 ] && [ "$(systemctl is-active headrace)" = active ] && break; sleep 0.2; done
echo "@restarted $(systemctl show --property=NRestarts --value headrace) $(well)"
systemctl stop headrace; echo "@stopped $(systemctl is-active headrace)"
journalctl --sync
echo "@journal $(journalctl --no-pager -o json -u headrace HEADRACE_EVENT=daemon_stopping | node -p 'const e = JSON.parse(require("fs").readFileSync(0)); [e.PRIORITY, e.SYSLOG_IDENTIFIER, e.HEADRACE_SIGNAL, e.MESSAGE].join(" ")')"
echo "@attached $([ -n "$(program)" ] && echo yes) $([ -n "$before" ] && echo yes)"
headrace detach >/dev/null; echo "@detached $? $(program)"
journalctl --no-pager -u headrace -u headrace-load | tail -40
`;

const service = `[Unit]
After=basic.target
Requires=basic.target
[Service]
Type=oneshot
ExecStart=/bin/bash /story.sh
ExecStopPost=/bin/systemctl poweroff --force --force
`;

const config = 'version: 1\ndataplane:\n  interfaces:\n    - match: "vt*"\n';

describe('the units under systemd', () => {
  let folder: string;
  let log: string;
  /** This machine starts no containers, which says nothing of the units. */
  let unable: string | undefined;

  beforeAll(() => {
    folder = mkdtempSync('/dev/shm/hr-systemd-');
    chmodSync(folder, 0o755);
    const installed = path.join(folder, 'installed');
    const install = spawnSync(path.join(repository, 'scripts/install.sh'), {
      encoding: 'utf8',
      env: { ...process.env, DESTDIR: installed },
    });
    if (install.status !== 0) throw new Error(install.stderr);
    for (const name of ['upper', 'work', 'root']) mkdirSync(path.join(folder, name));
    mkdirSync(`${installed}/etc/systemd/system`, { recursive: true });
    writeFileSync(`${installed}/etc/systemd/system/story.service`, service);
    writeFileSync(`${installed}/etc/headrace/headrace.yaml`, config);
    writeFileSync(`${installed}/story.sh`, story);
    const boot = spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', container, 'sh', folder], {
      encoding: 'utf8',
      timeout: 290_000,
      killSignal: 'SIGKILL',
    });
    const file = path.join(folder, 'upper/story.log');
    const text = `${boot.stdout}${boot.stderr}`;
    log = existsSync(file) ? readFileSync(file, 'utf8') : `no story: ${text}`;
    unable =
      !existsSync(file) &&
      /^(?:unshare|mount|Failed to)\b.*(?:not permitted|Permission denied|not implemented)/im.test(text)
        ? text
        : undefined;
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const said = (name: string): string | undefined => new RegExp(`^@${name} (.*?)\\s*$`, 'm').exec(log)?.[1];

  it.for([
    ['starts', 'start', '0'],
    ['is told to be ready by the daemon', 'state', 'active forwarding on 2 interfaces'],
    ['is well', 'status', 'all well'],
    ['runs the programs of the loader', 'notes', '0'],
    ['has its user, who alone may reach the pins', 'user', 'headrace headrace1700'],
    ['has two capabilities and a filter of system calls', 'capabilities', '0000008000001000 2'],
    ['reloads', 'reload', '0'],
    ['refuses to reload what is wrong, and runs on', 'wrong', '1 active'],
    ['is started again when it is killed', 'restarted', '1 all well'],
    ['stops', 'stopped', 'inactive'],
    [
      'tells the journal what happens by fields',
      'journal',
      '6 headrace SIGTERM SIGTERM: the daemon stops, packets go on being forwarded',
    ],
    ['leaves its programs attached when it stops', 'attached', 'yes yes'],
    ['is taken down by detach', 'detached', '0'],
  ] as const)('%s', ([, name, expected], context) => {
    if (unable) context.skip(`no container can be started here: ${unable}`);
    expect(said(name), log).toBe(expected);
  });
});

const container = `cd "$1" && mount -t overlay overlay -o lowerdir=installed:/,upperdir=upper,workdir=work root &&
exec systemd-nspawn --directory=root --boot --register=no --keep-unit --private-network --capability=all \
  --system-call-filter='@privileged bpf' --console=read-only --quiet -- --unit=story.service`;
