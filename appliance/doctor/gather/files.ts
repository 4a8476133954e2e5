/** Small files of /proc and /sys: what is not there, or may not be read, is null. */
import { readdirSync, readFileSync } from 'node:fs';

export function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

/** Names in a directory; none when it is not there. */
export function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** [0, 1, 2, 3, 8] for "0-3,8", the kernel's way to write sets of CPUs. */
export function cpuList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [first = Number.NaN, last = first] = part
      .split('-')
      .map((end) => (end.trim() === '' ? Number.NaN : Number(end)));
    return Number.isInteger(first) ? Array.from({ length: last - first + 1 }, (_, i) => first + i) : [];
  });
}
