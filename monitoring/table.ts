/**
 * Metrics of thousands of things. A table holds what stays as it is from one scrape to the next, which is the labels
 * of each row; a column adds the values. Blocks of rows whose values are those of the last scrape are not written again:
 * of a hundred thousand lines most never change.
 */
import { encoded, numberOf, openLabels } from './text-format.ts';

/** Rows of a block: small enough to be written between two looks at the clock. */
const BLOCK = 256;

/** A value for each row of a table, or several when there is one for each of `words`. */
export interface Column {
  readonly table: Table;
  /** By row, and within it by word. */
  readonly values: Float64Array;
  readonly label?: string;
  readonly words?: readonly string[];
}

/** Rows and their labels. Keep it: what is written already is kept for as long as the table is. */
export class Table {
  /** Labels as written, but for the brace at the end. */
  readonly rows: readonly string[];

  /** @param labels of each row, never none. */
  constructor(labels: readonly Readonly<Record<string, string>>[]) {
    this.rows = labels.map(openLabels);
  }

  /** @param fill puts a row's values in, from `at` on. */
  column(fill: (values: Float64Array, row: number, at: number) => void): Column;
  /** @param words of the label that tells the values of a row apart. */
  column(
    fill: (values: Float64Array, row: number, at: number) => void,
    label: string,
    words: readonly string[],
  ): Column;
  column(
    fill: (values: Float64Array, row: number, at: number) => void,
    label?: string,
    words?: readonly string[],
  ): Column {
    const each = words?.length ?? 1;
    const values = new Float64Array(this.rows.length * each);
    for (let row = 0; row < this.rows.length; row++) fill(values, row, row * each);
    return label !== undefined && words ? { table: this, values, label, words } : { table: this, values };
  }
}

/** A table of what items say of themselves, the same for as long as they say the same. */
export class KeptTable<Item> {
  readonly #same: (a: Item, b: Item) => boolean;
  readonly #labels: (item: Item) => Readonly<Record<string, string>>;
  #items: readonly Item[] = [];
  #table = new Table([]);

  /** @param same whether two items have the same labels. */
  constructor(same: (a: Item, b: Item) => boolean, labels: (item: Item) => Readonly<Record<string, string>>) {
    this.#same = same;
    this.#labels = labels;
  }

  of(items: readonly Item[]): Table {
    const before = this.#items;
    this.#items = items;
    if (items !== before && !(items.length === before.length && items.every((item, i) => this.#same(item, before[i]!))))
      this.#table = new Table(items.map(this.#labels));
    return this.#table;
  }
}

/** What is written of one metric of one table. */
export class WrittenColumn {
  readonly #name: string;
  /** Never changed, only replaced: they may still be on their way to somebody. */
  readonly #blocks: Buffer[] = [];
  /** What the blocks tell. */
  #told = new Float64Array();

  constructor(name: string) {
    this.#name = name;
  }

  /** All lines, in blocks. */
  *write(column: Column): Iterable<Buffer> {
    const { values } = column;
    if (this.#told.length !== values.length) this.#told = new Float64Array(values.length);
    const told = this.#told;
    for (let from = 0; from < values.length; from += BLOCK) {
      const to = Math.min(from + BLOCK, values.length);
      const index = from / BLOCK;
      let same = this.#blocks[index] !== undefined;
      for (let i = from; same && i < to; i++) same = values[i] === told[i];
      if (!same) {
        this.#blocks[index] = encoded(this.#lines(column, from, to));
        told.set(values.subarray(from, to), from);
      }
      yield this.#blocks[index]!;
    }
  }

  #lines({ table: { rows }, values, label, words }: Column, from: number, to: number): string {
    const name = this.#name;
    let text = '';
    if (!words) {
      for (let i = from; i < to; i++) text += `${name}${rows[i]!}} ${numberOf(values[i]!)}\n`;
      return text;
    }
    const ends = words.map((word) => `,${label}="${word}"} `);
    const each = ends.length;
    for (let i = from; i < to; i++) {
      const word = i % each;
      text += `${name}${rows[(i - word) / each]!}${ends[word]!}${numberOf(values[i]!)}\n`;
    }
    return text;
  }
}
