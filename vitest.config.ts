import { defineConfig } from 'vitest/config';

/** As for `until` (test/lab/library/wait.ts). */
const patience = Number(process.env['HEADRACE_TEST_PATIENCE'] ?? 1);

/** Kinds of tests, apart: pure ones run side by side, packets one file at a time, stories in labs two at a time. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], pool: 'forks', testTimeout: 20_000 * patience } },
      {
        test: {
          name: 'dataplane',
          sequence: { groupOrder: 1 },
          include: ['test/dataplane/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000 * patience,
          hookTimeout: 60_000 * patience,
        },
      },
      {
        test: {
          name: 'lab',
          // Real daemons on a machine that others may load: a story that failed once is told once more, and the report
          // says so. One that fails twice is broken.
          retry: 1,
          include: ['test/lab/**/*.test.ts'],
          pool: 'forks',
          // Stories wait more than they work, and labs know nothing of each other.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          testTimeout: 120_000 * patience,
          hookTimeout: 120_000 * patience,
        },
      },
    ],
  },
});
