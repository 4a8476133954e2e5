/** What happens, by name: the vocabulary, and where events go. */
export { type EventDefinition, type EventLevel, type EventValue, sentenceOf } from './definition.ts';
export { EventLog, type EventLogOptions, type EventRecord, WINDOW_MS } from './event-log.ts';
export { eventsReference } from './reference.ts';
export { type EventFields, type EventName, vocabulary } from './vocabulary.ts';
