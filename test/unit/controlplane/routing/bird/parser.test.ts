/** The parser: what BIRD accepts it accepts, wherever the line ends fall. The corpus is compared with BIRD in a lab. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFiles, parse } from '../../../../../controlplane/routing/bird/index.ts';

const said = (text: string): string[] =>
  parse('f', text).diagnostics.map(({ severity, message }) => `${severity}: ${message}`);

describe('parse()', () => {
  it.each([
    ['options of a BFD neighbor', 'protocol bfd { neighbor 10.0.0.1 dev "eth0"\n local 10.0.0.2\n multihop off; }'],
    ['a neighbor without a device', 'protocol bfd { neighbor 10.0.0.1\n local 10.0.0.2\n multihop on; }'],
    ['an empty latency', 'debug latency\nprotocol device { }'],
    ['a latency that is a number', 'debug latency 1\nprotocol device { }'],
    ['a latency that is a word', 'debug latency off\nprotocol device { }'],
    ['a latency limit', 'debug latency limit 5 ms\nprotocol device { }'],
    ['a latency at the end', 'protocol device { }\ndebug latency'],
    ['a latency with its semicolon', 'debug latency yes;\ndebug latency;\nprotocol device { }'],
  ])('accepts %s over several lines', (_, text) => {
    expect(said(text)).toEqual([]);
    expect(said(text.replaceAll('\n', ' '))).toEqual([]);
  });

  it.each([
    ['protocol bgp { local as 1\n neighbor 10.0.0.1 as 2; }', "error: missing ';' before 'neighbor'"],
    ['protocol bgp { ipv4 { import all\n export none; }; }', "error: missing ';' before 'export'"],
    ['router id 10.0.0.1\nprotocol device { }', "error: missing ';' before 'protocol'"],
  ])('still tells of a missing semicolon in %j', (text, message) => {
    expect(said(text)).toEqual([message]);
  });

  it('only warns when a statement it does not know may go on', () => {
    const text = 'protocol x { wondrous 5\n  interface "eth0"; }';
    expect(said(text)).toEqual(["warning: missing ';' before 'interface'?"]);
  });

  it('follows a pattern into a folder that holds a link to itself', () => {
    const folder = mkdtempSync(join(tmpdir(), 'headrace-include-'));
    try {
      symlinkSync('loop', join(folder, 'loop'));
      symlinkSync('nowhere', join(folder, 'dangling.conf'));
      mkdirSync(join(folder, 'folder.conf'));
      writeFileSync(join(folder, 'ok.conf'), 'protocol device { }');
      const main = join(folder, 'bird');
      const { diagnostics, statements } = parse(main, 'include "o*.conf";', nodeFiles);
      expect(diagnostics).toEqual([]);
      expect(statements).toHaveLength(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
