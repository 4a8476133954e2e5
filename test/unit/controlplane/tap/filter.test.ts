import { describe, expect, it } from 'vitest';
import { tapCondition } from '../../../../controlplane/bpf/generated/headrace.ts';
import { FilterError, parseFilter } from '../../../../controlplane/tap/index.ts';

const hostOrder = (bytes: readonly number[]): number => Buffer.from(bytes).readUInt32LE();

describe('parseFilter()', () => {
  it('takes everything for an empty expression', () => {
    expect(parseFilter('  ').conditions).toBe(0);
  });

  it('joins protocol, host of either end and port of either end', () => {
    const filter = parseFilter('tcp and host 192.0.2.1 and port 443');
    expect(filter.conditions).toBe(tapCondition.PROTOCOL | tapCondition.HOST | tapCondition.PORT | tapCondition.FAMILY);
    expect(filter).toMatchObject({ protocol: 6, family: 2, source_port: 0xbb01 });
    expect(filter.source.address[0]).toBe(hostOrder([192, 0, 2, 1]));
    expect(filter.source.mask).toEqual([0xffffffff, 0, 0, 0]);
  });

  it('tells source from destination, and takes prefixes', () => {
    const filter = parseFilter('src net 2001:db8::/36 and dst port 53 and dst host 2001:db8::53');
    expect(filter.conditions).toBe(
      tapCondition.SOURCE | tapCondition.DESTINATION_PORT | tapCondition.DESTINATION | tapCondition.FAMILY,
    );
    expect(filter.source.mask).toEqual([0xffffffff, hostOrder([0xf0, 0, 0, 0]), 0, 0]);
    expect(filter.destination_port).toBe(0x3500);
  });

  it.each([
    ['tcp udp', '"udp" where "and"', 4],
    ['tcp and', 'a condition is missing', 7],
    ['host nowhere', '"nowhere" is not an address', 5],
    ['net 10.0.0.0/33', 'not a number from 0 to 32', 4],
    ['port 70000', 'not a number from 0 to 65535', 5],
    ['not tcp', '"not" is not known', 0],
    ['tcp and udp', 'says again', 8],
    ['port 1 and src port 2', 'cannot both', 11],
    ['host 10.0.0.1 and dst host 10.0.0.2', 'cannot both', 18],
    ['ip6 and host 10.0.0.1', 'other family', 13],
    ['src', 'is missing', 3],
  ])('points at what is wrong in "%s"', (text, reason, column) => {
    let message = '';
    try {
      parseFilter(text);
    } catch (error) {
      expect(error).toBeInstanceOf(FilterError);
      message = (error as Error).message;
    }
    expect(message).toContain(reason);
    expect(message.split('\n')[2]).toBe(`  ${' '.repeat(column)}^`);
  });
});
