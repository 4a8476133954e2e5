import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDrains, writeDrains } from '../../../appliance/daemon/drain-file.ts';

describe('the file of drained VIPs', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'headrace-drains-'));
    file = path.join(folder, 'drained-vips.json');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('keeps what is written, and has none before', () => {
    expect(readDrains(file)).toEqual({});
    writeDrains(file, { '192.0.2.1/32': 1234 });
    expect(readDrains(file)).toEqual({ '192.0.2.1/32': 1234 });
  });

  it.each(['{"drains":{"192.0', '{}', '{"drains":{"192.0.2.1/32":"long ago"}}'])('refuses %s', (text) => {
    writeFileSync(file, text);
    expect(() => readDrains(file)).toThrow(/cannot read which VIPs are drained/);
  });
});
