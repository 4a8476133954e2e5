/**
 * Interface name patterns: `*` for any run of characters, `?` for one, as in a shell. Devices of our own, which carry
 * health checks, are meant by none.
 */
import { carriesChecks } from '../check-path/device-name.ts';

export function matchesGlob(pattern: string, name: string): boolean {
  if (carriesChecks(name)) return false;
  const source = pattern
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(name);
}
