/**
 * Values of options: numbers, times, booleans, addresses and prefixes, with constants looked up and simple arithmetic
 * worked out. What cannot be told without running BIRD is undefined, never a guess.
 */
import { type Token, tokenNumber, tokenValue } from './token.ts';
import { type Block, isBlock, type Statement, starts, wordAt } from './tree.ts';

/** A constant's value; expressions beyond arithmetic stay unknown and are left out. */
export type Constant = number | string | boolean;
/** The constants of a configuration by name. */
export type Constants = ReadonlyMap<string, Constant>;

const precedence: Readonly<Record<string, number>> = { '+': 1, '-': 1, '*': 2, '/': 2, '%': 2 };

/** Evaluate tokens as a literal, a constant or integer arithmetic (32 bit, unsigned, as in BIRD). */
export function evaluate(tokens: readonly Token[], constants: Constants): Constant | undefined {
  if (tokens.length === 0 || tokens.length > 200) return undefined;
  let at = 0;
  const term = (): Constant | undefined => {
    const token = tokens[at++];
    if (!token) return undefined;
    if (token.text === '(') {
      const value = expression(0);
      return tokens[at++]?.text === ')' ? value : undefined;
    }
    if (token.kind === 'number') return tokenNumber(token);
    if (token.kind === 'symbol' || token.kind === 'quoted') {
      if (token.text === 'true' || token.text === 'yes' || token.text === 'on') return true;
      if (token.text === 'false' || token.text === 'no' || token.text === 'off') return false;
      return constants.get(tokenValue(token));
    }
    if (
      (token.kind === 'ip4' || token.kind === 'ip6') &&
      tokens[at]?.text === '/' &&
      tokens[at + 1]?.kind === 'number'
    ) {
      at += 2;
      return `${token.text}/${tokens[at - 1]!.text}`;
    }
    return token.kind === 'op' || token.kind === 'bad' ? undefined : tokenValue(token);
  };
  const expression = (minimum: number): Constant | undefined => {
    let left = term();
    for (;;) {
      const operator = tokens[at]?.text ?? '';
      const rank = precedence[operator];
      if (rank === undefined || rank <= minimum) return left;
      at++;
      const right = expression(rank);
      if (typeof left !== 'number' || typeof right !== 'number') return undefined;
      left = calculate(operator, left, right);
      if (left === undefined) return undefined;
    }
  };
  const value = expression(0);
  return at === tokens.length ? value : undefined;
}

function calculate(operator: string, left: number, right: number): number | undefined {
  switch (operator) {
    case '+':
      return (left + right) >>> 0;
    case '-':
      return (left - right) >>> 0;
    case '*':
      return Number((BigInt(left) * BigInt(right)) & 0xffffffffn);
    case '/':
      return right === 0 ? undefined : Math.floor(left / right);
    default:
      return right === 0 ? undefined : left % right;
  }
}

/** The `define`s of a configuration, in order, each seeing those before it. */
export function readConstants(statements: readonly Statement[]): Map<string, Constant> {
  const constants = new Map<string, Constant>();
  for (const statement of statements) {
    const name = wordAt(statement, 1);
    if (name === undefined || !starts(statement, 'define') || wordAt(statement, 2) !== '=') continue;
    const tokens = statement.parts.slice(3);
    if (tokens.some(isBlock)) continue;
    const value = evaluate(tokens as Token[], constants);
    if (value !== undefined) constants.set(name, value);
  }
  return constants;
}

/** A boolean option's value: nothing behind it means yes. */
export function readBoolean(part: Token | Block | undefined, constants: Constants): boolean {
  if (part === undefined || isBlock(part)) return true;
  const value = evaluate([part], constants);
  return typeof value === 'boolean' ? value : value !== 0;
}

/** The number at the front of some parts: `N`, a constant or `(expression)`. */
export function readNumber(parts: readonly (Token | Block)[], constants: Constants): number | undefined {
  const value = evaluate(operand(parts), constants);
  return typeof value === 'number' ? value : undefined;
}

/** A time in microseconds: `N s|ms|us`; without a unit the number counts seconds. */
export function readTimeUs(parts: readonly (Token | Block)[], constants: Constants): number | undefined {
  const tokens = operand(parts);
  const value = evaluate(tokens, constants);
  if (typeof value !== 'number') return undefined;
  const unit = parts[tokens.length];
  const text = unit && !isBlock(unit) ? unit.text : 's';
  return value * (text === 'us' ? 1 : text === 'ms' ? 1000 : 1_000_000);
}

/** The first operand: one token, a prefix of three, or all of a bracket. */
function operand(parts: readonly (Token | Block)[]): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  for (const part of parts) {
    if (isBlock(part)) break;
    tokens.push(part);
    if (part.text === '(') depth++;
    else if (part.text === ')') depth--;
    if (depth === 0) break;
  }
  return tokens;
}

/** An address or a prefix at an index: token, or token, slash, number. */
export function readAddress(statement: Statement, index: number, constants: Constants): string | undefined {
  const part = statement.parts[index];
  if (part === undefined || isBlock(part)) return undefined;
  if (part.kind === 'ip4' || part.kind === 'ip6') {
    const length = wordAt(statement, index + 1) === '/' ? wordAt(statement, index + 2) : undefined;
    return length === undefined ? part.text : `${part.text}/${length}`;
  }
  const value = constants.get(tokenValue(part));
  return typeof value === 'string' ? value : undefined;
}
