/** Is the kernel new enough, and what do newer ones add? */
import { type Check, ok, type Result, system, unknown } from '../check.ts';

/** What a kernel older than this goes without. */
const additions: readonly { readonly since: readonly [number, number]; readonly lacking: string }[] = [
  {
    since: [6, 3],
    lacking: 'does not tell which interfaces can transmit (netdev family): known drivers are trusted, veth is tried',
  },
  { since: [6, 3], lacking: 'reports failed neighbors as resolved; Headrace notices by their zero address' },
];

export const kernel: Check = {
  name: 'kernel',
  why: 'Headrace needs Linux 6.1: programs for frames of several buffers, and atomic exchange of attached programs. From 6.3 on the kernel tells which interfaces can transmit.',
  examine({ kernel: { release, btf } }) {
    const [major = 0, minor = 0] = release.split('.').map(Number);
    const before = ([a, b]: readonly [number, number]): boolean => major < a || (major === a && minor < b);
    if (!major) return [unknown(system, `kernel release "${release}" cannot be read`)];
    if (before([6, 1]))
      return [
        {
          subject: system,
          verdict: 'fail',
          says: `Linux ${release} is too old`,
          mend: 'apt-get install linux-image-amd64',
        },
      ];
    const results: Result[] = [];
    const lacking = additions.filter(({ since }) => before(since)).map((entry) => entry.lacking);
    results.push(
      lacking.length > 0
        ? { subject: system, verdict: 'note', says: `Linux ${release} ${lacking.join('; and ')}` }
        : ok(system, `Linux ${release}`),
    );
    if (!btf)
      results.push({
        subject: system,
        verdict: 'note',
        says: 'the kernel carries no type information (/sys/kernel/btf/vmlinux): Headrace does without, tracing tools do not',
      });
    return results;
  },
};
