/**
 * A configuration text and positions in it. Tokens hold offsets only; lines and columns are worked out when somebody
 * asks, so that parsing a large file does not pay for positions nobody looks at.
 *
 * Lines and columns count from 1; a column is a UTF-16 code unit, a tab counts as one, as editors and BIRD count.
 */

/** Where something stands: file, line and column (both from 1). */
export interface Position {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

/** One file's text, with its line table made on first use. */
export class SourceText {
  readonly path: string;
  readonly text: string;
  #lineStarts: number[] | undefined;

  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
  }

  /** Line and column of an offset; offsets outside of the text are clamped to it. */
  position(offset: number): Position {
    const starts = this.#starts();
    const at = Math.max(0, Math.min(offset, this.text.length));
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return { path: this.path, line: low + 1, column: at - (starts[low] ?? 0) + 1 };
  }

  /** The text of a line, counted from 1, without its end. */
  line(number: number): string {
    const start = this.#starts()[number - 1];
    if (start === undefined) return '';
    const end = this.text.indexOf('\n', start);
    return this.text.slice(start, end < 0 ? undefined : end);
  }

  #starts(): number[] {
    if (this.#lineStarts) return this.#lineStarts;
    const starts = [0];
    for (let at = this.text.indexOf('\n'); at >= 0; at = this.text.indexOf('\n', at + 1)) starts.push(at + 1);
    this.#lineStarts = starts;
    return starts;
  }
}

/** A stretch of one file. */
export interface Span {
  readonly source: SourceText;
  /** Offset of the first character. */
  readonly start: number;
  /** Offset behind the last character. */
  readonly end: number;
}

/** Where a span begins. */
export function positionOf(span: Span): Position {
  return span.source.position(span.start);
}
