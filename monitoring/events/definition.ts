/** What an event is: a name that never changes, how bad it is, its fields, and the sentence a person reads. */

export type EventLevel = 'debug' | 'info' | 'warn' | 'error';

export type EventValue = string | number | boolean | null;

/** One entry of the vocabulary. */
export interface EventDefinition {
  readonly level: EventLevel;
  /** What happened; `{field}` stands for a field's value. */
  readonly sentence: string;
  /** Every field by name, and what it holds. */
  readonly fields: Readonly<Record<string, string>>;
  /** How many are logged in ten seconds before the rest is only counted. Default 20. */
  readonly burst?: number;
}

/** The sentence with its values put in; a field that is missing stays as it is written. */
export function sentenceOf(definition: EventDefinition, values: Readonly<Record<string, EventValue>>): string {
  return definition.sentence.replace(/\{(\w+)\}/g, (written, name: string) =>
    name in values ? String(values[name]) : written,
  );
}
