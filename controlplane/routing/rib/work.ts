/** Work that concerns more routes than one slice can take: some routes a step, carried on with by whoever has time. */

/** The rest of what a message brings about, some routes a step. */
export type Work = Iterator<undefined, undefined>;

/** Carries work on to its end. */
export function finish(work: Work): void {
  while (!work.next().done);
}

/** One after the other; what is a function begins when its turn comes. */
export function* inTurn(works: readonly (Work | (() => Work))[]): Generator<undefined, undefined, undefined> {
  for (const each of works) {
    const work = typeof each === 'function' ? each() : each;
    while (!work.next().done) yield;
  }
}
