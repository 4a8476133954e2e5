/**
 * The page with what it shows first already in it: it need not wait for the event stream to be opened and answered, which
 * is half of the time until something is seen. Where that would be much, as with thousands of backends, it is left out,
 * and the page shows what the stream begins with.
 */
import { promisify } from 'node:util';
import { gzip as gzipWithCallback } from 'node:zlib';
import type { Asset } from './assets.ts';

const gzip = promisify(gzipWithCallback);
const PLACE = '<script id="first" type="application/json"></script>';
const MOST = 256 * 1024;

export class FirstPage {
  readonly #type: string;
  readonly #before: string;
  readonly #after: string;
  readonly #hello: () => unknown;

  /** @throws Error when the page has no place for it. */
  constructor(assets: ReadonlyMap<string, Asset>, hello: () => unknown) {
    const index = assets.get('/')!;
    const [before, after] = index.plain.toString().split(PLACE);
    if (before === undefined || after === undefined) throw new Error(`index.html lacks ${PLACE}`);
    this.#type = index.type;
    this.#before = before;
    this.#after = after;
    this.#hello = hello;
  }

  async get(): Promise<Asset> {
    // Names of interfaces or backends must not end the element they are in.
    const json = JSON.stringify(this.#hello()).replaceAll('<', '\\u003c');
    const first = json.length > MOST ? PLACE : PLACE.replace('></', () => `>${json}</`);
    const plain = Buffer.from(`${this.#before}${first}${this.#after}`);
    return { type: this.#type, plain, gzip: await gzip(plain, { level: 1 }) };
  }
}
