/**
 * The terminal while `headrace top` has it: its other screen, no cursor, keys as they are pressed; and given back as it
 * was, however the program ends.
 */

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';

export interface TerminalEvents {
  readonly key: (key: string) => void;
  readonly resize: () => void;
  /** It was taken by a signal or closed. */
  readonly end: () => void;
}

export class Terminal {
  readonly #events: TerminalEvents;
  readonly #restore = (): void => this.#leave();
  #entered = false;
  #shown: readonly string[] = [];

  constructor(events: TerminalEvents) {
    this.#events = events;
  }

  get width(): number {
    return process.stdout.columns || 80;
  }

  get height(): number {
    return process.stdout.rows || 24;
  }

  open(): void {
    process.stdin.setEncoding('utf8');
    process.stdin.on('data', (text: string) => {
      for (const key of keysOf(text)) {
        if (key === 'suspend') this.#suspend();
        else this.#events.key(key);
      }
    });
    process.stdin.on('end', this.#events.end);
    process.stdout.on('resize', () => {
      this.#shown = [];
      this.#events.resize();
    });
    process.stdout.on('error', () => process.exit(1)); // the terminal is gone
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, this.#events.end);
    process.on('SIGCONT', () => {
      this.#enter();
      this.#events.resize();
    });
    process.on('exit', this.#restore);
    this.#enter();
  }

  /** Writes the lines that differ from those shown. Erasing after a full line would take its last character. */
  show(lines: readonly string[]): void {
    if (!this.#entered) return;
    let text = '';
    for (let i = 0; i < this.height; i++)
      if (this.#shown[i] !== (lines[i] ?? '')) text += `\x1b[${i + 1};1H\x1b[2K${lines[i] ?? ''}`;
    this.#shown = Array.from({ length: this.height }, (_, i) => lines[i] ?? '');
    if (text) process.stdout.write(text);
  }

  close(): void {
    this.#leave();
    process.stdin.pause();
  }

  #enter(): void {
    if (this.#entered) return;
    this.#entered = true;
    this.#shown = [];
    process.stdin.setRawMode?.(true);
    process.stdin.resume();
    process.stdout.write(`${ENTER}\x1b[2J`);
  }

  #leave(): void {
    if (!this.#entered) return;
    this.#entered = false;
    process.stdin.setRawMode?.(false);
    process.stdout.write(LEAVE);
  }

  #suspend(): void {
    this.#leave();
    process.kill(process.pid, 'SIGSTOP');
  }
}

const named: Readonly<Record<string, string>> = {
  '\x1b[A': 'up',
  '\x1bOA': 'up',
  '\x1b[B': 'down',
  '\x1bOB': 'down',
  '\x1b[5~': 'page-up',
  '\x1b[6~': 'page-down',
  '\x1b[H': 'home',
  '\t': 'tab',
  '\x03': 'q',
  '\x1a': 'suspend',
  '\x1b': 'escape',
};

/** Key presses in what a terminal sent: sequences by name, characters as they are. */
export function keysOf(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  return [...text.matchAll(/\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Z]|./gsu)].map(([part]) => named[part] ?? part);
}
