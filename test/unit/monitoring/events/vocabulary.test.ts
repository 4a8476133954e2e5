import { describe, expect, it } from 'vitest';
import { type EventDefinition, sentenceOf, vocabulary } from '../../../../monitoring/events/index.ts';

const entries: readonly [string, EventDefinition][] = Object.entries(vocabulary);

describe('vocabulary', () => {
  it.each(entries)('%s is named and worded as the others are', (name, { sentence, fields }) => {
    expect(name).toMatch(/^[a-z]+(_[a-z0-9]+)+$/);
    // What pino writes itself must not be overwritten.
    for (const reserved of ['level', 'time', 'msg', 'event']) expect(Object.keys(fields)).not.toContain(reserved);
    const used = [...sentence.matchAll(/\{(\w+)\}/g)].map(([, field]) => field);
    for (const field of used) expect(Object.keys(fields)).toContain(field);
    for (const meaning of Object.values(fields)) expect(meaning).not.toBe('');
  });
});

describe('sentenceOf()', () => {
  it('puts values in, of every kind', () => {
    const definition = { level: 'info', sentence: '{a} of {b}, {c}', fields: { a: 'a', b: 'b', c: 'c' } } as const;
    expect(sentenceOf(definition, { a: 1, b: 'two $&', c: null })).toBe('1 of two $&, null');
  });
});
