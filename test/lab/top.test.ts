/** `headrace top` in a real terminal, tmux's, against a real daemon under traffic. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ends,
  type Headrace,
  headrace,
  Lab,
  minimalConfig,
  type RoutedPair,
  routedPair,
  Stream,
  until,
} from './library/index.ts';
import { headraceProgram } from './library/repository.ts';

describe('headrace top', () => {
  let lab: Lab;
  let pair: RoutedPair;
  let box: Headrace;
  let stream: Stream;

  beforeAll(async () => {
    lab = new Lab('top');
    pair = routedPair(lab);
    box = await headrace(pair.box, minimalConfig);
    stream = await Stream.start(pair.client, pair.server, { ...ends[4], rate: 500 });
  });
  afterAll(async () => {
    tmux('kill-server');
    await stream?.stop();
    lab?.cleanup();
  });

  /** A tmux server of this test's own. */
  const tmux = (...words: readonly string[]): string =>
    pair.box.exec(['tmux', '-S', `${pair.box.folder}/tmux`, '-f', '/dev/null', ...words], {
      mayFail: true,
      env: { LC_ALL: 'C.UTF-8', TERM: 'xterm-256color', TMUX: '' },
    }).stdout;
  const shown = (): string => tmux('capture-pane', '-p');
  const press = (...keys: readonly string[]): string => tmux('send-keys', ...keys);
  const see = (pattern: RegExp): Promise<unknown> => until(`${pattern} on the screen`, () => pattern.test(shown()));

  it('prints once, without a terminal', async () => {
    await until('the stream in its figures', () => /p0 +[1-9]\d* pps/.test(box.cli('top', '--once').stdout));
    const { stdout, status } = box.cli('top');
    expect(status).toBe(0);
    expect(stdout).toContain('INTERFACE');
    expect(stdout).not.toContain('\x1b');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('prints snapshots as JSON', () => {
    const { stdout } = box.cli('top', '--once', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ box: { instance: 'box' }, interfaces: { p0: { mode: 'native' } } });
  });

  it('fits 80 by 24, follows keys and the size, and gives the terminal back', async () => {
    tmux('new-session', '-d', '-x', '80', '-y', '24', 'sh');
    const run = ['env', `HEADRACE_RUN_DIR=${pair.box.runDirectory}`, process.execPath, headraceProgram];
    press([...run, 'top', '--instance', 'box'].join(' '), 'Enter');
    await see(/^headrace box on .*all well/m);
    await see(/p0 +[1-9]\d* pps/);
    await see(/[▁▂▃▄▅▆▇█]{8}/);
    expect(shown().trimEnd().split('\n')).toHaveLength(24);
    await see(/overview +o i r v b: views/);

    press('i');
    await see(/^interfaces /m);
    press('s');
    await see(/PACKETS INv/);
    press('S');
    await see(/PACKETS IN\^/);
    press('?');
    await see(/this help/);
    press('?');
    press('p');
    await see(/paused$/m);
    press('p', 'o');
    await until('it to go on', () => !shown().includes('paused'));

    tmux('resize-window', '-x', '120', '-y', '40');
    await see(/LAST MINUTE/);
    await until('forty lines', () => shown().trimEnd().split('\n').length === 40);

    await box.stop();
    await see(/no answer for/);
    await box.start();
    await until('it to be live again', () => !shown().includes('no answer'));

    press('q');
    // Of a window that grew, tmux keeps a line of the other screen: the prompt is what tells.
    await see(/^[#$] *$/m);
    press('stty -a | grep -o " echo " ; echo "status $?"', 'Enter');
    await see(/^ echo *$/m);
  });

  it('is without colors and bars where those are not wanted', () => {
    const { stdout } = pair.box.exec(
      [...['script', '-qec', `${process.execPath} ${headraceProgram} top --once --instance box`], '/dev/null'],
      { env: { HEADRACE_RUN_DIR: pair.box.runDirectory, NO_COLOR: '1', LC_ALL: 'C', LANG: 'C', TERM: 'xterm' } },
    );
    expect(stdout).not.toContain('\x1b');
    expect(stdout).not.toMatch(/[▁▂▃▄▅▆▇█✓]/);
    expect(stdout).toMatch(/\+ p0/);
  });
});
