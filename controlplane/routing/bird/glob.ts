/**
 * Patterns of one path segment as glob(3) reads them: `*`, `?`, `[…]` with ranges, negation and classes. Matched with two
 * pointers and one place to come back to, so that `*a*a*a*b` costs no more than name times pattern.
 */

/** What one character of a name must be; `star` stands for any number of any. */
type Element = 'star' | ((char: string) => boolean);

const classes: Readonly<Record<string, RegExp>> = {
  alpha: /[A-Za-z]/,
  digit: /[0-9]/,
  alnum: /[A-Za-z0-9]/,
  upper: /[A-Z]/,
  lower: /[a-z]/,
  space: /[ \t\n\v\f\r]/,
  blank: /[ \t]/,
  punct: /[!-/:-@[-`{-~]/,
  xdigit: /[A-Fa-f0-9]/,
  print: /[ -~]/,
  graph: /[!-~]/,
};

/** A segment's pattern, ready to match names. */
export function compileGlob(segment: string): (name: string) => boolean {
  const elements: Element[] = [];
  for (let i = 0; i < segment.length; ) {
    const char = segment.charAt(i);
    const set = char === '[' ? readSet(segment, i) : undefined;
    if (set) {
      elements.push(set.element);
      i = set.end;
      continue;
    }
    if (char === '*') {
      if (elements.at(-1) !== 'star') elements.push('star');
    } else if (char === '?') elements.push(() => true);
    else elements.push((other) => other === char);
    i++;
  }
  return (name) => matches(elements, name);
}

/** The set that begins at `at`; undefined when it is never closed, for then the bracket is plain text. */
function readSet(segment: string, at: number): { element: Element; end: number } | undefined {
  const negated = segment[at + 1] === '!' || segment[at + 1] === '^';
  const tests: ((char: string) => boolean)[] = [];
  const first = at + (negated ? 2 : 1);
  for (let i = first; i < segment.length; ) {
    const low = segment.charAt(i);
    if (low === ']' && i > first) {
      return { element: (char) => tests.some((test) => test(char)) !== negated, end: i + 1 };
    }
    const named = low === '[' && segment[i + 1] === ':' ? segment.indexOf(':]', i + 2) : -1;
    const known = named < 0 ? undefined : classes[segment.slice(i + 2, named)];
    if (known) {
      tests.push((char) => known.test(char));
      i = named + 2;
    } else if (segment[i + 1] === '-' && i + 2 < segment.length && segment[i + 2] !== ']') {
      // A range out of order ("z-a") holds nothing.
      const high = segment.charAt(i + 2);
      tests.push((char) => char >= low && char <= high);
      i += 3;
    } else {
      tests.push((char) => char === low);
      i++;
    }
  }
  return undefined;
}

function matches(elements: readonly Element[], name: string): boolean {
  let at = 0;
  let next = 0;
  /** Where to go on when the last star must take one more. */
  let star = -1;
  let taken = 0;
  while (at < name.length) {
    const element = elements[next];
    if (element === 'star') {
      star = next++;
      taken = at;
    } else if (element?.(name.charAt(at))) {
      at++;
      next++;
    } else if (star >= 0) {
      at = ++taken;
      next = star + 1;
    } else return false;
  }
  while (elements[next] === 'star') next++;
  return next === elements.length;
}
