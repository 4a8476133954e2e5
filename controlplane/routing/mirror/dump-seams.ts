/**
 * Where the parts of an IPv4 dump meet, the kernel may skip a route that nobody deleted, and does not say so.
 *
 * It goes on by address, and among routes of one address (10.0.0.0/8, /16, and each metric of them; those of the local
 * table count, too, while it shares the main table's trie) by how many it had told. When an earlier one of them is deleted
 * before the next part is filled, the rest moves up, and one of them is told in neither part. When all of that address are
 * deleted, the count is spent on the next address. So a deletion between the last address of a part and the first of the
 * next one, taken while the next part may not have been filled, makes the seam a torn one: the table is read again.
 *
 * A part is filled while the part before is received. With the steps of the reading (receive a part, apply what was taken
 * before it, take announcements) numbered by part, what went before part p was filled, and after part p - 1, is announced
 * from step p - 2 on, and taken at the latest when the queue was found empty after part p - 1 was received.
 */
interface Seam {
  readonly from: number;
  readonly to: number;
}

const END = 0xffffffff;

export class DumpSeams {
  /** Parts received. */
  #parts = 0;
  #last = 0;
  /** Deletions taken in this step, the one before, and the one before that. */
  readonly #steps: number[][] = [[], [], []];
  /** What went before the last part was received has all been taken. */
  #allTaken = false;
  /** Seams whose deletions may not all have been taken. */
  #open: Seam[] = [];
  #torn = false;

  /** A route may have been skipped: read the table again. */
  get torn(): boolean {
    return this.#torn;
  }

  /** A part was received, with routes from `first` to `last`; none: it was the end. */
  part(first = END, last = END): void {
    if (this.#parts++ > 0) {
      const seam = { from: this.#last, to: first };
      if (this.#steps.some((step) => step.some((address) => isAt(seam, address)))) this.#torn = true;
      if (!this.#allTaken) this.#open.push(seam);
    }
    this.#last = last;
  }

  /** A deletion was announced. */
  deleted(address: number): void {
    this.#steps[0]!.push(address);
    if (this.#open.some((seam) => isAt(seam, address))) this.#torn = true;
  }

  /** Many routes may have gone that nobody tells of, while a part was still to come. */
  lostMany(): void {
    this.#torn = true;
  }

  /** Announcements were taken; `all`: none were left, so it is known what went before the last part was received. */
  taken(all: boolean): void {
    this.#steps.unshift([]);
    this.#steps.length = 3;
    this.#allTaken = all;
    if (all) this.#open = [];
  }

  /** Announcements must be taken before `torn` is known. */
  get unsure(): boolean {
    return this.#open.length > 0;
  }
}

function isAt({ from, to }: Seam, address: number): boolean {
  return address >= from && address <= to;
}
