/** Who scrapes, as a process of its own: it takes a page over a connection that stays, and says how long it took. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const program = `
const http = require('node:http');
const agent = new http.Agent({ keepAlive: true });
require('node:readline').createInterface({ input: process.stdin }).on('line', (url) => {
  const start = performance.now();
  http.get(url, { agent }, (response) => {
    let bytes = 0;
    response.on('data', (piece) => { bytes += piece.length; });
    response.on('end', () => console.log(JSON.stringify({ bytes, status: response.statusCode, ms: performance.now() - start })));
  });
});
`;

export class Scraper {
  readonly #url: string;
  readonly #process: ChildProcess;
  #told: (line: string) => void = () => {};

  constructor(url: string) {
    this.#url = url;
    this.#process = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#process.stdout! }).on('line', (line) => this.#told(line));
  }

  /** @returns milliseconds from the request to the last byte, by the scraper's clock. */
  async scrape(): Promise<number> {
    const line = await new Promise<string>((resolve) => {
      this.#told = resolve;
      this.#process.stdin!.write(`${this.#url}\n`);
    });
    const { bytes, status, ms } = JSON.parse(line) as { bytes: number; status: number; ms: number };
    if (status !== 200 || bytes === 0) throw new Error(`scrape ${this.#url}: status ${status}, ${bytes} bytes`);
    return ms;
  }

  close(): void {
    this.#process.kill();
  }
}
