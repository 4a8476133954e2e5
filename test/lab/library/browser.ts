/**
 * A real browser in a host's namespace: Debian's Chromium, driven over pipes, so that it needs no network of its own.
 * It starts with a profile that is made for it and gone with it, and asks nobody but the page's own server for anything.
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import type { Host } from './host.ts';

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts it; close it before the lab is cleaned up. */
export async function openBrowser(host: Host): Promise<Browser> {
  const start = `${host.folder}/chromium`;
  writeFileSync(start, `#!/bin/sh\nexec nsenter --net=${host.path} /usr/bin/chromium "$@"\n`);
  chmodSync(start, 0o755);
  return chromium.launch({ executablePath: start, args: flags, timeout: 60_000 });
}
