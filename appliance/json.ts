/** JSON with 64-bit counters as numbers; beyond 2^53 as strings, which lose nothing. */
export function toJson(value: unknown, indent = 0): string {
  const plain = (_: string, item: unknown): unknown =>
    typeof item === 'bigint' ? (item <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(item) : String(item)) : item;
  return JSON.stringify(value, plain, indent);
}
