/** Pieces of bird.conf of all versions; a lab compares the verdicts with BIRD 2.0.12. */
import { describe, expect, it } from 'vitest';
import { readBirdConfig, renderDiagnostic } from '../../../../../controlplane/routing/bird/index.ts';
import { snippets } from './snippets.ts';

const said = (text: string): string[] =>
  readBirdConfig('f', text)
    .diagnostics.filter(({ code }) => !/^undefined-|^unknown-template$/.test(code))
    .map(renderDiagnostic);

describe('readBirdConfig()', () => {
  it.each([...snippets('accepted'), ...snippets('newer')])('reads %s without a remark', (_, text) => {
    expect(said(text)).toEqual([]);
    // Where lines end means nothing, but to comments.
    if (!/#|include/.test(text)) {
      const lines = text.replace(/"[^"\n]*"|\s+/g, (found) => (found.startsWith('"') ? found : '\n'));
      expect(said(lines)).toEqual([]);
    }
  });

  it.each(snippets('accepted'))('misses no definition in %s', (_, text) => {
    expect(readBirdConfig('f', text).diagnostics.map(renderDiagnostic)).toEqual([]);
  });

  it.each(snippets('bird1'))('says how BIRD 2 has it for %s', (_, text) => {
    const { diagnostics } = readBirdConfig('f', text);
    expect(diagnostics.map(({ code }) => code)).toContain('bird-1');
    for (const { hint, span } of diagnostics) {
      expect(hint).toBeTruthy();
      expect(span).toBeDefined();
    }
  });

  it('takes the option into the hint', () => {
    const text = 'protocol bgp { next hop\n self; route limit 5; }\ntable foo;\nprotocol rip { period 30; }';
    expect(readBirdConfig('f', text).diagnostics.map(({ hint }) => hint)).toEqual([
      'put it into a channel: ipv4 { next hop self; };',
      'put it into a channel: ipv4 { import limit 5; };',
      'write: ipv4 table foo;',
      'write: interface "eth0" { update time 30; };',
    ]);
  });

  it.each([
    ['protocol kernel { ipv4 { export filter nosuch; }; }', ["1: no filter 'nosuch' is defined"]],
    ['protocol static { ipv4 { table nosuch; }; }', ["1: no table 'nosuch' is defined"]],
    ['protocol pipe { table master4; peer table nosuch; }', ["1: no table 'nosuch' is defined"]],
    ['filter f {\n if nosuch(net) then accept; reject; }', ["2: no function 'nosuch' is defined"]],
    ['protocol kernel { ipv4 { export where nosuch(net) && nosuch(net); }; }', ["1: no function 'nosuch' is defined"]],
    [
      'template bgp t { ipv4 { import filter a;\n export filter b; }; }\nfilter a { accept; }',
      ["2: no filter 'b' is defined"],
    ],
    ["protocol bgp { ipv4 { igp table 'a-b'; }; }", ["1: no table 'a-b' is defined"]],
    ['define A = nosuch(3);', ["1: no function 'nosuch' is defined"]],
    [
      'define A = 5; router id (A); watchdog warning (A) s\nfilter f { if bgp_path ~ [= A (A) =] then accept; reject; }',
      [],
    ],
    ['ipv4 table t { gc period (5) s; }; protocol bgp { neighbor 10.0.0.1 as (5); ipv4 { import limit (5); }; }', []],
    ['function f(int a; int b) { return a; } filter g { print f (1, 2); accept; }', []],
    ['ipv4 table t; protocol static { ipv4 { table t; }; }', []],
    ['protocol bgp { ipv4 { import limit (5 + 1); import filter int i; { i = 1; accept; }; }; }', []],
    ['filter f { if (net ~ [ 10.0.0.0/8+ ]) then accept; case (bgp_med) { 1: reject; } bgp_path.prepend(5); }', []],
  ])('warns of what %s does not define', (text, expected) => {
    const { diagnostics } = readBirdConfig('f', text);
    expect(diagnostics.every(({ severity }) => severity === 'warning')).toBe(true);
    expect(diagnostics.map(({ message, span }) => `${span?.source.position(span.start).line}: ${message}`)).toEqual(
      expected,
    );
  });
});
