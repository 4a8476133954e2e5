/** Loading itself: CAP_BPF and CAP_NET_ADMIN are enough, so nothing in the programs may need CAP_PERFMON. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { builtCommand, repository } from '../lab/library/repository.ts';

/** Loads the object in a process of its own with the capabilities given, and prints `loaded`. */
function loadWith(capabilities: readonly string[], features: readonly string[] = []): string {
  const set = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  return execFileSync(
    'setpriv',
    [
      ...['bounding-set', 'inh-caps', 'ambient-caps'].map((which) => `--${which}=${set}`),
      ...builtCommand('test/dataplane/fixtures/load-object'),
      ...features,
    ],
    { cwd: repository, encoding: 'utf8' },
  );
}

describe('headrace.bpf.o', () => {
  it('loads with CAP_BPF and CAP_NET_ADMIN alone', () => {
    expect(loadWith(['bpf', 'net_admin'])).toContain('loaded');
  });

  it('loads so with the mirror of the routes too', () => {
    expect(loadWith(['bpf', 'net_admin'], ['feature_mirror'])).toContain('loaded');
  });

  it('loads so with the balancer too, in less than a quarter of the steps that the verifier allows', () => {
    const steps = /verified in (\d+) steps/.exec(
      loadWith(['bpf', 'net_admin'], ['feature_balance', 'feature_paths', 'feature_tap']),
    )?.[1];
    expect(Number(steps)).toBeGreaterThan(0);
    expect(Number(steps)).toBeLessThan(250_000);
  });

  it('and no more when the balancer translates', () => {
    const features = ['feature_balance', 'feature_nat', 'feature_paths', 'feature_tap'];
    const steps = /verified in (\d+) steps/.exec(loadWith(['bpf', 'net_admin'], features))?.[1];
    expect(Number(steps)).toBeGreaterThan(0);
    expect(Number(steps)).toBeLessThan(250_000);
  });
});
