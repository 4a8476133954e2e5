/** Configuration: what is accepted, and where and how a mistake is pointed at. */
import { describe, expect, it } from 'vitest';
import { ConfigError, parseConfig } from '../../../appliance/config/index.ts';

const problemsOf = (text: string): ConfigError => {
  try {
    parseConfig(text, 'headrace.yaml');
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('accepted');
};
const minimal = 'version: 1\ndataplane:\n  interfaces:\n    - match: "p*"\n';

describe('parseConfig()', () => {
  it('fills in every default of the minimal file', () => {
    expect(parseConfig(minimal, 'x')).toMatchObject({
      version: 1,
      instance: 'default',
      dataplane: { interfaces: [{ match: 'p*' }], allow_generic: false },
      router: { fib: 'auto' },
      metrics: { listen: '127.0.0.1:9469' },
      pools: {},
      services: {},
      setAside: [],
      warnings: [],
    });
  });

  it('points at a misspelt key and says which was meant', () => {
    const error = problemsOf(minimal.replace('match', 'mtach'));
    expect(error.message).toMatch(/^headrace\.yaml:4:7: dataplane\.interfaces\.0\.mtach: unknown key/m);
    expect(error.message).toContain('did you mean "match"?');
    expect(error.message).toContain('    - mtach: "p*"\n          ^');
  });

  it('reports all problems, not the first', () => {
    const error = problemsOf('version: 2\ndataplane: { interfaces: [], allow_generic: maybe }\nfoo: 1\n');
    expect(error.problems.map(({ path }) => path).sort()).toEqual([
      'dataplane.allow_generic',
      'dataplane.interfaces',
      'foo',
      'version',
    ]);
  });

  it.each(['off', '127.0.0.1:9469', '"[::1]:9469"'])('metrics.listen takes %s', (listen) => {
    expect(() => parseConfig(`${minimal}metrics: { listen: ${listen} }\n`, 'x')).not.toThrow();
  });

  it('refuses a listen address without port, a key given twice and what is not YAML', () => {
    expect(problemsOf(`${minimal}metrics: { listen: localhost }\n`).problems[0]?.path).toBe('metrics.listen');
    expect(problemsOf(`${minimal}version: 1\n`).problems[0]?.line).toBe(5);
    expect(problemsOf('version: [').problems.length).toBeGreaterThan(0);
    expect(problemsOf('').problems.length).toBeGreaterThan(0);
  });
});
