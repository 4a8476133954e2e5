import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Exporter, type MetricDefinition } from '../../../monitoring/index.ts';
import { type Column, KeptTable, Table } from '../../../monitoring/table.ts';

const definition: MetricDefinition = {
  name: 'box_things',
  type: 'gauge',
  labels: ['name', 'state'],
  help: 'Things.',
};
const states = ['up', 'down', 'odd'] as const;
const namesOf = (count: number): Readonly<Record<string, string>>[] =>
  Array.from({ length: count }, (_, i) => ({ name: i === 300 ? 'ü "quoted"' : `thing ${i}` }));

describe('a table', () => {
  it('is written as single samples would be, whatever changes from one scrape to the next', async () => {
    const change = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.integer(), fc.double())), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        fc.nat(700),
        fc.boolean(),
        fc.array(change, { maxLength: 5 }),
        async (count, worded, scrapes) => {
          const labels = namesOf(count);
          const table = new Table(labels);
          const each = worded ? states.length : 1;
          const values = new Float64Array(count * each);
          const fill = (into: Float64Array, row: number, at: number): void => {
            for (let i = 0; i < each; i++) into[at + i] = values[row * each + i]!;
          };
          const written = new Exporter([
            {
              definition,
              collect: (): Column[] => [worded ? table.column(fill, 'state', states) : table.column(fill)],
            },
          ]);
          const plain = new Exporter([
            {
              definition,
              collect: () =>
                [...values].map((value, i) => {
                  const row = labels[Math.floor(i / each)]!;
                  return { labels: worded ? { ...row, state: states[i % each]! } : row, value };
                }),
            },
          ]);
          for (const changes of [[], ...scrapes]) {
            if (values.length > 0) for (const [at, value] of changes) values[at % values.length] = value;
            expect(await written.metrics()).toBe(await plain.metrics());
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('has blocks whose values are the same written once', async () => {
    const table = new Table(namesOf(600));
    let last = 0;
    const exporter = new Exporter([
      {
        definition,
        collect: () => [
          table.column((values, row) => {
            values[row] = row === 599 ? last : row;
          }),
        ],
      },
    ]);
    const before = await exporter.scrape();
    last = 1;
    const after = await exporter.scrape();
    expect(after.map((piece, i) => piece === before[i])).toEqual([false, true, true, false]);
  });

  it('is kept for as long as its items say the same, in the same order', () => {
    const kept = new KeptTable<{ name: string; value: number }>(
      (a, b) => a.name === b.name,
      ({ name }) => ({ name }),
    );
    const first = kept.of([
      { name: 'a', value: 1 },
      { name: 'b', value: 2 },
    ]);
    expect(
      kept.of([
        { name: 'a', value: 3 },
        { name: 'b', value: 4 },
      ]),
    ).toBe(first);
    expect(
      kept.of([
        { name: 'b', value: 3 },
        { name: 'a', value: 4 },
      ]).rows,
    ).toEqual(['{name="b"', '{name="a"']);
    expect(kept.of([{ name: 'b', value: 3 }]).rows).toEqual(['{name="b"']);
    expect(kept.of([]).rows).toEqual([]);
  });
});
