/** `headrace top`: what the box is doing now, in a terminal. */
import type { Command } from 'commander';
import type { InstancePaths } from '../../../controlplane/dataplane/index.ts';
import type { History, Snapshot } from '../../../monitoring/live/index.ts';
import { askDaemon, type InstanceOptions, pathsOf, withInstance } from '../instance.ts';
import { draw, type Screen, type View, views } from './draw.ts';
import { type SortKey, sortKeys, totalIn } from './sections.ts';
import { styleOf } from './style.ts';
import { Terminal } from './terminal.ts';

interface TopOptions extends InstanceOptions {
  readonly once?: boolean;
  readonly sort: SortKey;
}

const EVERY_MS = 1000;
const KEPT = 60;

export function addTop(program: Command): void {
  withInstance(program.command('top'))
    .description('show what the box is doing, live: interfaces, who handles packets and why, services, sessions')
    .option('--once', 'print it once and end; so it does without a terminal')
    .option('--json', 'print snapshots as JSON, one a line and second')
    .option('--sort <column>', sortKeys.join(', '), 'name')
    .addHelpText(
      'after',
      `
Keys: o i r v b or Tab for views, s to sort, p to pause, ? for help, q to quit. NO_COLOR=1 turns colors off.

Examples:
  headrace top
  headrace top --once
  headrace top --once --json | jq .traffic`,
    )
    .action(async (options: TopOptions, command: Command) => {
      if (!sortKeys.includes(options.sort)) command.error(`error: --sort: give one of ${sortKeys.join(', ')}`);
      const paths = await pathsOf(options);
      const first = await askDaemon<Snapshot>(paths, '/snapshot');
      if (!first)
        throw Object.assign(
          new Error(`instance "${paths.instance}" is not running: start it with headrace run -c FILE`),
          {
            code: 'ABSENT',
          },
        );
      if (options.json) return printJson(paths, first, options.once ?? false);
      const history = await askDaemon<History>(paths, '/history');
      const top = new Top(paths, first, history, options.sort);
      if (options.once || !process.stdout.isTTY || !process.stdin.isTTY) top.print();
      else await top.run();
    });
}

async function printJson(paths: InstancePaths, first: Snapshot, once: boolean): Promise<void> {
  process.stdout.on('error', () => process.exit(0)); // nobody reads on
  process.stdout.write(`${JSON.stringify(first)}\n`);
  let last = first.at;
  while (!once) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS / 2));
    const next = await askDaemon<Snapshot>(paths, '/snapshot');
    if (!next) throw Object.assign(new Error('the daemon has stopped'), { code: 'ABSENT' });
    if (next.at !== last) process.stdout.write(`${JSON.stringify(next)}\n`);
    last = next.at;
  }
}

class Top {
  readonly #paths: InstancePaths;
  readonly #recent: Map<string, number[]>;
  #snapshot: Snapshot;
  #view: View = 'overview';
  #sort: SortKey;
  #reverse = false;
  #scroll = 0;
  #paused = false;
  #help = false;
  #answeredAt = Date.now();
  #silent = false;
  #asking = false;

  constructor(paths: InstancePaths, snapshot: Snapshot, history: History | undefined, sort: SortKey) {
    this.#paths = paths;
    this.#snapshot = snapshot;
    this.#sort = sort;
    this.#recent = new Map(Object.entries(history?.interfaces ?? {}).map(([name, list]) => [name, [...list]]));
  }

  print(): void {
    const style = styleOf(process.env, process.stdout.isTTY === true);
    console.log(draw(this.#screen(process.stdout.columns || 80, undefined, style)).join('\n'));
  }

  /** Shows until it is told to end. */
  run(): Promise<void> {
    const style = styleOf(process.env, true);
    return new Promise((resolve) => {
      const end = (): void => {
        clearInterval(timer);
        terminal.close();
        resolve();
      };
      const show = (): void => terminal.show(draw(this.#screen(terminal.width, terminal.height, style)));
      const terminal = new Terminal({
        key: (key) => (this.#press(key, terminal.height) ? show() : end()),
        resize: show,
        end,
      });
      const timer = setInterval(() => void this.#ask().then(show), EVERY_MS);
      terminal.open();
      show();
    });
  }

  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const next = await askDaemon<Snapshot>(this.#paths, '/snapshot').catch(() => undefined);
    this.#asking = false;
    this.#silent = next === undefined;
    if (!next) return;
    this.#answeredAt = Date.now();
    if (this.#paused || next.at === this.#snapshot.at) return;
    this.#snapshot = next;
    for (const [name, port] of Object.entries(next.interfaces)) {
      const list = this.#recent.get(name) ?? [];
      list.push(totalIn(port));
      if (list.length > KEPT) list.shift();
      this.#recent.set(name, list);
    }
  }

  #screen(width: number, height: number | undefined, style: Screen['style']): Screen {
    return {
      snapshot: this.#snapshot,
      recent: this.#recent,
      width,
      height,
      style,
      sort: this.#sort,
      reverse: this.#reverse,
      view: this.#view,
      scroll: this.#scroll,
      paused: this.#paused,
      help: this.#help,
      silentSeconds: this.#silent ? (Date.now() - this.#answeredAt) / 1000 : undefined,
    };
  }

  /** @returns false when it is to end. */
  #press(key: string, height: number): boolean {
    const go = (view: View): void => {
      this.#view = view;
      this.#scroll = 0;
    };
    const letters: Readonly<Record<string, View>> = {
      o: 'overview',
      i: 'interfaces',
      r: 'reasons',
      v: 'services',
      b: 'sessions',
    };
    const page = Math.max(1, height - 8);
    const steps: Readonly<Record<string, number>> = { up: -1, down: 1, 'page-up': -page, 'page-down': page };
    if (key === 'q') return false;
    if (this.#help) this.#help = false;
    else if (key === '?' || key === 'h') this.#help = true;
    else if (key === 'tab') go(views[(views.indexOf(this.#view) + 1) % views.length]!);
    else if (letters[key]) go(letters[key]);
    else if (key === 's') this.#sort = sortKeys[(sortKeys.indexOf(this.#sort) + 1) % sortKeys.length]!;
    else if (key === 'S') this.#reverse = !this.#reverse;
    else if (key === 'p' || key === ' ') this.#paused = !this.#paused;
    else if (key === 'home') this.#scroll = 0;
    else this.#scroll = Math.max(0, Math.min(this.#lines() - 1, this.#scroll + (steps[key] ?? 0)));
    return true;
  }

  /** An upper bound of what the view has: scrolling ends there. */
  #lines(): number {
    const { interfaces, reasons, services, sessions } = this.#snapshot;
    const backends = Object.values(services).reduce((sum, service) => sum + Object.keys(service.backends).length, 0);
    const lines: Readonly<Record<View, number>> = {
      overview: 1,
      interfaces: Object.keys(interfaces).length,
      reasons: reasons.length,
      services: Object.keys(services).length + backends,
      sessions: Object.keys(sessions).length,
    };
    return Math.max(1, lines[this.#view]);
  }
}
