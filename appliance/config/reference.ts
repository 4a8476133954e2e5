/** docs/reference/config.md, made from the schema's own descriptions. */
import { configJsonSchema } from './schema/index.ts';

interface Node {
  readonly description?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  /** Of a map whose keys are names. */
  readonly additionalProperties?: Node | boolean;
}

export function configReference(): string {
  const rows: string[] = [];
  collect(configJsonSchema() as Node, '', rows);
  return `# Configuration

<!-- Generated from appliance/config/schema/ by appliance/cli/reference.ts: change it there. -->

One YAML file. Unknown keys are errors. \`headrace check -c FILE\` checks it and changes nothing; \`headrace check --schema\`
prints the JSON Schema, from which editors complete (also in [config.schema.json](config.schema.json)).

The least that works:

\`\`\`yaml
version: 1
dataplane:
  interfaces:
    - match: "eth*"
\`\`\`

| key | type | default | what it does |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

function collect(node: Node, path: string, rows: string[]): void {
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    const here = path ? `${path}.${key}` : key;
    const needed = node.required?.includes(key) ? '**required**' : defaultOf(child);
    rows.push(`| \`${here}\` | ${typeOf(child)} | ${needed} | ${child.description ?? ''} |`);
    collect(child, here, rows);
    if (child.items) collect(child.items, `${here}[]`, rows);
    if (typeof child.additionalProperties === 'object') collect(child.additionalProperties, `${here}.NAME`, rows);
  }
}

function defaultOf(node: Node): string {
  return node.default === undefined || typeof node.default === 'object' ? '–' : `\`${String(node.default)}\``;
}

function typeOf(node: Node): string {
  if (node.const !== undefined) return `\`${String(node.const)}\``;
  if (node.type === 'array') return 'list';
  if (node.type === 'object') return 'map';
  return node.type ?? node.anyOf?.map(typeOf).join(' or ') ?? 'any';
}
