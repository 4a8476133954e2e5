/** The page's files, as the build left them: read once, held compressed and plain, and nothing else is served. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

export interface Asset {
  readonly type: string;
  readonly plain: Buffer;
  readonly gzip: Buffer;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** By the path they are asked for. @throws Error when the page was not built. */
export function loadAssets(folder: string): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  for (const name of readdirSync(folder)) {
    const type = types[path.extname(name)];
    if (!type) continue;
    const plain = readFileSync(path.join(folder, name));
    assets.set(`/${name}`, { type, plain, gzip: gzipSync(plain, { level: 9 }) });
  }
  const index = assets.get('/index.html');
  if (!index) throw new Error(`${folder} has no index.html: build it with "npm run build"`);
  assets.set('/', index);
  return assets;
}
