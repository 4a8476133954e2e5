// Bundles the live page into build/page, which the daemon serves as it is: no other server is ever asked for anything.
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const from = 'monitoring/page';
const to = 'build/page';

rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });
await build({
  entryPoints: ['page.ts', 'page.css', 'login.ts', 'login.css'].map((name) => `${from}/${name}`),
  outdir: to,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022', 'chrome110', 'firefox115', 'safari16'],
  legalComments: 'eof',
  logLevel: 'warning',
  tsconfig: `${from}/tsconfig.json`,
});
for (const name of ['index.html', 'login.html', 'icon.svg']) cpSync(`${from}/${name}`, `${to}/${name}`);
