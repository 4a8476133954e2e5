/** What is read from a bird.conf, and what is said about it. */
import { describe, expect, it } from 'vitest';
import {
  type AdviceContext,
  adviseBird,
  lintBird,
  positionOf,
  readBgp,
  readBirdConfig,
  readKernel,
  readOspf,
  readStatic,
} from '../../../../../controlplane/routing/bird/index.ts';

const advise = (text: string, context?: AdviceContext): string[] =>
  adviseBird(readBirdConfig('f', text), context).map(
    ({ code, span }) => `${code}${span ? `:${positionOf(span).line}` : ''}`,
  );

const sound = 'protocol device { }\nprotocol kernel { persist; merge paths; ipv4 { export all; }; }\n';

describe('readBirdConfig()', () => {
  it('applies templates, the nearest last, and evaluates constants', () => {
    const config = readBirdConfig(
      'f',
      `
      router id 192.0.2.1; ipv4 table t; define AS = (64000 + 2 * 500); define PEER = 10.0.0.9;
      template bgp base { local as AS; bfd; ipv4 { import all; export none; }; }
      template bgp more from base { multihop 3; ipv4 { table t; }; }
      protocol bgp 'a-b' from more { neighbor PEER as (AS + 1); ipv4 { export filter f; }; }
      filter f { reject; }`,
    );
    expect(config.diagnostics).toEqual([]);
    expect(config.routerId).toBe('192.0.2.1');
    const [protocol] = config.protocols;
    expect(protocol).toMatchObject({ type: 'bgp', name: 'a-b', template: 'more' });
    expect(protocol!.channels).toMatchObject([
      { type: 'ipv4', table: 't', import: { passes: 'all' }, export: { passes: 'none', filter: 'f' } },
    ]);
    expect(readBgp(protocol!.options, config.constants)).toEqual({
      multihop: true,
      bfd: true,
      localAs: 65000,
      neighbor: '10.0.0.9',
      neighborAs: 65001,
    });
  });

  it('reads kernel, static and OSPF protocols', () => {
    const config = readBirdConfig(
      'f',
      `
      protocol kernel { kernel table (100 + 1); learn all; merge paths on limit 8; persist no; ipv4 { export all; }; }
      protocol static { ipv4; route 10.0.0.0/8 via 192.0.2.1 via 192.0.2.2; route 10.1.0.0/16 blackhole; }
      protocol ospf v2 { ipv4; area 0 { interface "eth*", -"eth9" { bfd; }; interface "lo"; }; }`,
    );
    const [kernel, fixed, ospf] = config.protocols;
    expect(readKernel(kernel!.options, config.constants)).toMatchObject({
      kernelTable: 101,
      learn: 'all',
      mergePaths: true,
      persist: false,
    });
    expect(readStatic(fixed!.options, config.constants)).toMatchObject([
      { network: '10.0.0.0/8', kind: 'via', gateways: ['192.0.2.1', '192.0.2.2'] },
      { network: '10.1.0.0/16', kind: 'blackhole' },
    ]);
    expect(readOspf(ospf!.options, config.constants)).toEqual([
      { id: '0', interfaces: ['eth*', '-eth9', 'lo'], bfd: ['eth*', '-eth9'] },
    ]);
    expect(ospf).toMatchObject({ type: 'ospf', name: 'ospf1' });
  });
});

describe('adviseBird()', () => {
  it.each<[string, string, AdviceContext | undefined, string[]]>([
    ['a sound file', sound, undefined, ['kernel-merge-paths:2']],
    ['nothing at all', '', undefined, ['no-device', 'no-kernel']],
    [
      'a kernel that exports nothing',
      'protocol device { }\nprotocol kernel { ipv4 { }; }',
      undefined,
      ['kernel-export-none:2'],
    ],
    [
      'a filter that rejects',
      'protocol device { }\nprotocol kernel { ipv4 { export filter { reject; }; }; }',
      undefined,
      ['kernel-export-none:2'],
    ],
    [
      'routes in a table of their own',
      `${sound}ipv4 table t;\nprotocol static { ipv4 { table t; }; }`,
      undefined,
      ['kernel-merge-paths:2', 'table-not-in-kernel:4'],
    ],
    [
      'routes that a pipe carries on',
      `${sound}ipv4 table t;\nprotocol static { ipv4 { table t; }; }\nprotocol pipe { table master4; peer table t; import all; }`,
      undefined,
      ['kernel-merge-paths:2'],
    ],
    [
      'a kernel table no rule selects',
      'protocol device { }\nprotocol kernel { persist; merge paths;\n kernel table 9; ipv4 { export all; }; }',
      { selectedTables: { ipv4: new Set([254]), ipv6: new Set([254, 9]) } },
      ['kernel-merge-paths:2', 'kernel-table-unselected:3'],
    ],
    ['announcements nobody reads', sound, { announcementTable: 231 }, ['announcements-unread', 'kernel-merge-paths:2']],
    [
      'announcements without learn',
      `${sound}ipv4 table v;\nprotocol kernel { kernel table 231; ipv4 { table v; export none; }; }`,
      { announcementTable: 231 },
      ['kernel-merge-paths:2', 'announcements-not-learned:4', 'kernel-export-none:4'],
    ],
    [
      'tight BFD timers',
      `${sound}protocol bfd {\n interface "*" { interval 50 ms; multiplier 3; }; }`,
      undefined,
      ['kernel-merge-paths:2', 'bfd-tight:4'],
    ],
    [
      'BFD asked for and missing',
      `${sound}protocol bgp a { local as 1; neighbor 10.0.0.1 as 2;\n bfd; ipv4 { import all; export none; }; }`,
      undefined,
      ['kernel-merge-paths:2', 'bfd-missing:4'],
    ],
    [
      'a kernel table that a rule of its family selects',
      'protocol device { }\nprotocol kernel { persist; merge paths;\n kernel table 9; ipv6 { export all; }; }',
      { selectedTables: { ipv4: new Set([254]), ipv6: new Set([254, 9]) } },
      ['kernel-merge-paths:2'],
    ],
    [
      'announcements of one family read, the other not',
      `${sound}ipv4 table v;\nprotocol kernel { kernel table 231; learn; ipv4 { table v; import all; export none; }; }`,
      { announcementTable: 231, announcementFamilies: new Set(['ipv4', 'ipv6'] as const) },
      ['announcements-unread', 'kernel-merge-paths:2'],
    ],
    ["BFD with BIRD's defaults", `${sound}protocol bfd { }`, undefined, ['kernel-merge-paths:2', 'bfd-tight:3']],
    [
      'BFD timers of a session alone',
      `${sound}protocol bfd { }\nprotocol bgp { vrf default;\n bfd { interval 20 ms; multiplier 3; }; }`,
      undefined,
      ['kernel-merge-paths:2', 'bfd-tight:5'],
    ],
    [
      'BFD timers that are slow enough, everywhere',
      `${sound}protocol bfd { interface "*" { interval 300 ms; }; }\nprotocol bgp { bfd { interval 1 s; }; }`,
      undefined,
      ['kernel-merge-paths:2'],
    ],
    [
      'graceful BFD without its protocol',
      `${sound}protocol bgp { bfd graceful; }`,
      undefined,
      ['kernel-merge-paths:2', 'bfd-missing:3'],
    ],
    [
      'BFD with a block, without its protocol',
      `${sound}protocol bgp { bfd { interval 2 s; }; }`,
      undefined,
      ['kernel-merge-paths:2', 'bfd-missing:3'],
    ],
    ['BFD switched off again', `${sound}protocol bgp { bfd on; bfd off; }`, undefined, ['kernel-merge-paths:2']],
    [
      'BFD of an OSPF interface without its protocol',
      `${sound}protocol ospf { area 0 {\n interface "a" { bfd on; }; }; }`,
      undefined,
      ['kernel-merge-paths:2', 'bfd-missing:4'],
    ],
    [
      'BFD of a static route without its protocol',
      `${sound}protocol static { ipv4; route 10.0.0.0/8 via 10.0.0.1 bfd off;\n route 10.1.0.0/16 via 10.0.0.1 bfd; }`,
      undefined,
      ['kernel-merge-paths:2', 'bfd-missing:4'],
    ],
  ])('on %s', (_, text, context, expected) => {
    expect(advise(text, context)).toEqual(expected);
  });
});

describe('lintBird()', () => {
  it('says what an older version refuses', () => {
    const config = readBirdConfig('f', 'cli "/run/ro.ctl" { restrict; };\nprotocol kernel { learn all; ipv4; }');
    expect(lintBird(config, '2.0.12').map(({ code }) => code)).toEqual(['needs-cli', 'needs-learn-all']);
    expect(lintBird(config, '2.17')).toEqual([]);
  });
});
