/**
 * The framing of BIRD's control socket. A line `NNNN-text` is followed by more, `NNNN text` is the last of an answer,
 * a line that begins with a blank repeats the code before it, and one with `+` is news that belongs to no answer.
 * The last line's code differs from command to command: it is the blank behind the digits that ends an answer.
 */

/** One line of an answer with its code. */
export interface ReplyLine {
  readonly code: number;
  readonly text: string;
}

/** An answer; `code` is its last line's. Codes 8xxx are refusals at run time, 9xxx errors of syntax. */
export interface BirdReply {
  readonly code: number;
  readonly lines: readonly ReplyLine[];
}

/** Cut an answer from the front of what the socket gave. */
export function frameReply(bytes: Buffer): { reply: BirdReply; rest: Buffer } | undefined {
  const end = findEnd(bytes);
  if (end === undefined) return undefined;
  const lines: ReplyLine[] = [];
  let code = 0;
  for (const line of bytes.toString('utf8', 0, end - 1).split('\n')) {
    if (line.startsWith('+')) continue;
    if (/^\d{4}[ -]/.test(line)) {
      code = Number(line.slice(0, 4));
      lines.push({ code, text: line.slice(5) });
    } else lines.push({ code, text: line.slice(1) });
  }
  return { reply: { code, lines }, rest: bytes.subarray(end) };
}

/** Offset behind the last line of the first answer. Only line starts are looked at: answers can be of many megabytes. */
function findEnd(bytes: Buffer): number | undefined {
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(10, start);
    if (newline < 0) return undefined;
    const digits = newline - start >= 5 && [0, 1, 2, 3].every((i) => isDigit(bytes[start + i]));
    if (digits && bytes[start + 4] === 32) return newline + 1;
    start = newline + 1;
  }
  return undefined;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 48 && byte <= 57;
}
