/** Counting what a function does with texts and arrays, which says how its work grows, on however loaded a machine. */

/** Methods that visit every element, or character, at worst. */
const visiting = {
  array: ['some', 'every', 'filter', 'map', 'flatMap', 'forEach', 'find', 'findIndex', 'findLast', 'includes']
    .concat(['indexOf', 'slice', 'reverse', 'toReversed', 'join', 'concat', 'unshift', 'shift'])
    .concat([Symbol.iterator as unknown as string]),
  text: ['split', 'replace', 'replaceAll', 'trim', 'match'],
  /** One character each. */
  look: ['charCodeAt', 'charAt', 'codePointAt'],
};

/** Run it, and say how many elements and characters it has looked at. */
export function countSteps(run: () => void): number {
  let steps = 0;
  const undo: (() => void)[] = [];
  const wrap = (
    target: object,
    name: string,
    cost: (self: { length: number }, result: unknown, args: unknown[]) => number,
  ) => {
    const methods = target as Record<string, (...args: unknown[]) => unknown>;
    const original = methods[name]!;
    methods[name] = function (this: { length: number }, ...args: unknown[]) {
      const result = original.apply(this, args);
      steps += cost(this, result, args);
      return result;
    };
    undo.push(() => {
      methods[name] = original;
    });
  };
  for (const name of visiting.array) wrap(Array.prototype, name, ({ length }) => length);
  for (const name of visiting.text) wrap(String.prototype, name, ({ length }) => length);
  for (const name of visiting.look) wrap(String.prototype, name, () => 1);
  wrap(String.prototype, 'indexOf', ({ length }, found, [, from]) => {
    const end = (found as number) < 0 ? length : (found as number);
    return Math.max(1, end - ((from as number | undefined) ?? 0));
  });
  try {
    run();
  } finally {
    for (const restore of undo) restore();
  }
  return steps;
}
