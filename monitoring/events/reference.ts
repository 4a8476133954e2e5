/** docs/reference/events.md, made from the vocabulary. */
import type { EventDefinition } from './definition.ts';
import { vocabulary } from './vocabulary.ts';

export function eventsReference(): string {
  const rows = Object.entries(vocabulary).map(([name, definition]: [string, EventDefinition]) => {
    const fields = Object.entries(definition.fields).map(([field, meaning]) => `\`${field}\`: ${meaning}`);
    const sentence = definition.sentence.replaceAll('\n', ' ').replaceAll('|', '\\|');
    return `| \`${name}\` | ${definition.level} | ${sentence} | ${fields.join('<br>')} |`;
  });
  return `# Events

<!-- Generated from monitoring/events/vocabulary.ts by appliance/cli/reference.ts: change it there. -->

What the daemon tells, in its log and in the event stream of the live page. Each line of the log bears the name as
\`event\` and the fields beside it; names do not change their meaning. Under systemd the journal gets an entry with the
sentence as its message, the level as its priority, and each field by its name:
\`journalctl -u headrace -p warning\`, \`journalctl HEADRACE_EVENT=backend_fails HEADRACE_POOL=web -o verbose\`. Elsewhere
it is a line of JSON, or with \`--log-format journal\` the sentence followed by its fields. Of one name at most 20 are
logged in ten seconds, then \`events_suppressed\` says how many more there were, at the level of what it speaks of.

| event | level | sentence | fields |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
