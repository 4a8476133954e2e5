/** Has a process of its own load programs and make maps, so that taking them is all that is left to do here. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PreloadOrder } from './preload-process.ts';

/** A verifier on a busy machine takes a second or two. */
const TIMEOUT_MS = 30_000;

/** Resolves when it is done; to what went wrong when it could not be done. */
export function preloadAside(order: PreloadOrder): Promise<string | undefined> {
  // Compiled and not, the file's name ends as this one's does.
  const file = new URL(
    import.meta.url.endsWith('.ts') ? './preload-process.ts' : './preload-process.js',
    import.meta.url,
  );
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(file), JSON.stringify(order)], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: TIMEOUT_MS,
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.on('error', (error) => resolve(error.message));
    child.on('close', (status) => resolve(status === 0 ? undefined : said.trim() || `it ended with ${status}`));
  });
}
