/** From a YAML file to a checked configuration, or to every problem in it, each with its place. */
import { readFileSync } from 'node:fs';
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { crossChecks } from './cross-checks/index.ts';
import { ConfigError, type Problem } from './problem.ts';
import { type CheckedConfig, type Config, configSchema } from './schema/index.ts';
import { nearest } from './suggest.ts';

/** @throws ConfigError with all problems, for a file that cannot be read too. */
export function loadConfig(file: string): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([
      {
        file,
        line: 1,
        column: 1,
        path: '',
        message: `cannot be read: ${reason}`,
        hint: 'give its path with -c FILE',
        source: '',
      },
    ]);
  }
  return parseConfig(text, file);
}

/** @param file for messages only. @throws ConfigError */
export function parseConfig(text: string, file: string): Config {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const at = (offset: number): Pick<Problem, 'file' | 'line' | 'column' | 'source'> => {
    const { line, col } = counter.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col), source: text.split('\n')[line - 1] ?? '' };
  };
  if (document.errors.length > 0)
    throw new ConfigError(
      document.errors.map((error) => ({ ...at(error.pos[0]), path: '', message: error.message, hint: undefined })),
    );
  const problem = ({ path, offset, message, hint }: Place): Problem => ({
    ...at(offset),
    path: path.join('.'),
    message,
    hint,
  });
  const setAside: Problem[] = [];
  const written = (document.toJS() ?? {}) as unknown;
  for (;;) {
    const { wrong, config } = check(written, document);
    const problems = wrong.map(problem);
    if (wrong.length === 0 && config) {
      const warnings = crossChecks(config).filter(({ level }) => level === 'warning');
      return { ...config, setAside, warnings: warnings.map((found) => problem(placed(found, document))) };
    }
    if (!mayLeaveOut(written) || !wrong.every(({ path }) => leaveOut(written, path)))
      throw new ConfigError([...setAside, ...problems]);
    setAside.push(...problems);
  }
}

/** By the schema, then by what no schema says. */
function check(written: unknown, document: Document): { readonly wrong: Place[]; readonly config?: CheckedConfig } {
  const checked = configSchema.safeParse(written);
  if (!checked.success) return { wrong: checked.error.issues.flatMap((issue) => places(issue, document)) };
  const errors = crossChecks(checked.data).filter(({ level }) => level === 'error');
  return { wrong: errors.map((found) => placed(found, document)), config: checked.data };
}

function placed({ path, message, hint }: Omit<Place, 'offset'>, document: Document): Place {
  return { path, offset: offsetOf(document, path), message, hint };
}

/** One wrong service does not keep the others from their clients, unless the file says that it shall. */
function mayLeaveOut(written: unknown): boolean {
  return (written as { balancer?: { strict?: unknown } }).balancer?.strict !== true;
}

/** Takes the service or pool that `path` leads into out of what was written. @returns false when it leads elsewhere. */
function leaveOut(written: unknown, [section, name]: readonly PropertyKey[]): boolean {
  if ((section !== 'services' && section !== 'pools') || typeof name !== 'string') return false;
  delete (written as Record<string, Record<string, unknown>>)[section]?.[name];
  return true;
}

interface Place {
  readonly path: readonly PropertyKey[];
  readonly offset: number;
  readonly message: string;
  readonly hint: string | undefined;
}

function places(issue: z.core.$ZodIssue, document: Document): Place[] {
  const inner = meant(issue);
  if (inner) return inner.flatMap((each) => places(each, document));
  if (issue.code !== 'unrecognized_keys')
    return [
      {
        path: issue.path,
        offset: offsetOf(document, issue.path),
        message: sentence(issue),
        hint: exampleOf(issue.path),
      },
    ];
  return issue.keys.map((key) => {
    const guess = nearest(key, knownKeys(issue.path));
    return {
      path: [...issue.path, key],
      offset: keyOffset(document, issue.path, key),
      message: 'unknown key',
      hint: guess ? `did you mean "${guess}"?` : `known here: ${knownKeys(issue.path).join(', ')}`,
    };
  });
}

/** Of several forms that were possible, the complaint about the one that was nearly right. */
function meant(issue: z.core.$ZodIssue): z.core.$ZodIssue[] | undefined {
  if (issue.code !== 'invalid_union') return undefined;
  const branch = issue.errors.find((issues) =>
    issues.every(({ code, path }) => path.length > 0 || (code !== 'invalid_type' && code !== 'invalid_value')),
  );
  return branch?.map((each) => ({ ...each, path: [...issue.path, ...each.path] }));
}

/** How it is written right, for keys that are often wrong. */
const examples: Readonly<Record<string, string>> = {
  pools: 'pools: { web: { backends: { web1: { address: 10.1.0.11 } } } }',
  'pools.NAME.backends': 'backends: { web1: { address: 10.1.0.11 }, web2: { address: 10.1.0.12, weight: 50 } }',
  services: 'services: { www: { frontends: [ { vip: 198.51.100.10, tcp: [80, 443] } ], pool: web } }',
  'services.NAME.frontends': 'frontends: [ { vip: 198.51.100.10, tcp: [80, 443] } ]',
  'services.NAME.pool': 'pool: web',
  'services.NAME.forward.snat': 'snat: true, or snat: { addresses: [10.9.0.1], ports: 20000-29999 }',
  'balancer.nat.ports': 'ports: 1024-32767',
  'services.NAME.quorum': 'quorum: { up: 50%, down: 25% }',

  version: 'version: 1',
  instance: 'instance: edge1',
  dataplane: 'dataplane: { interfaces: [ { match: "eth*" } ] }',
  'dataplane.interfaces': 'interfaces: [ { match: "eth*" } ]',
  'dataplane.interfaces.match': 'match: "eth*"',
  'dataplane.allow_generic': 'allow_generic: true',
  'sflow.collectors': 'collectors: [ "192.0.2.9:6343" ]',
  'pools.NAME.check': 'check: { http: { path: /healthz, port: 8080 }, interval: 2s }',
  'pools.NAME.check.http': 'http: { path: /healthz, port: 8080, status: [200-299], host: www.example.com }',
  'pools.NAME.check.https': 'https: { path: /healthz, sni: www.example.com, ca: /etc/headrace/ca.pem }',
  'pools.NAME.check.dns': 'dns: { name: www.example.com, type: A, answer: 192.0.2.80 }',
  'pools.NAME.check.udp': 'udp: { port: 7000, send: ping, expect: pong }',
  announce: 'announce: { table: 231, verify: { daemon: bird, sessions: "upstream*" } }',
  'announce.verify': 'verify: { daemon: bird, sessions: "upstream*" }',
  'metrics.listen': 'listen: 127.0.0.1:9469, or listen: off',
  'web.listen': 'listen: 127.0.0.1:9470, or listen: off',
  'web.token_file': 'token_file: /etc/headrace/web.token',
  'web.names': 'names: [ edge1.example.net ]',
};

function exampleOf(path: readonly PropertyKey[]): string | undefined {
  const named = path.map((step, i) => (i === 1 && (path[0] === 'pools' || path[0] === 'services') ? 'NAME' : step));
  const example = examples[named.filter((step) => typeof step !== 'number').join('.')];
  return example && `write, for example: ${example}`;
}

function sentence(issue: z.core.$ZodIssue): string {
  const text = issue.message.replace(/^Invalid input: /, '').replace(/^Invalid string: .*/, 'is not of the right form');
  if (issue.code === 'invalid_type' && text.endsWith('received undefined')) return `is missing (${text.split(',')[0]})`;
  return text;
}

/** Where the innermost node on the way to `path` starts. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function keyOffset(document: Document, path: readonly PropertyKey[], key: string): number {
  const map = path.length === 0 ? document.contents : document.getIn(path, true);
  if (isMap(map))
    for (const { key: node } of map.items)
      if (isScalar(node) && String(node.value) === key && node.range) return node.range[0];
  return offsetOf(document, path);
}

/** Keys the schema has at a path. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  let schema: unknown = configSchema;
  for (const step of path) {
    const inner = unwrap(schema);
    schema =
      typeof step === 'number'
        ? (inner as { element?: unknown }).element
        : ((inner as { shape?: Record<PropertyKey, unknown> }).shape?.[step] ??
          (inner as { valueType?: unknown }).valueType);
  }
  return Object.keys((unwrap(schema) as { shape?: object }).shape ?? {});
}

/** The schema inside defaults. */
function unwrap(schema: unknown): unknown {
  const inner = (schema as { def?: { innerType?: unknown } } | undefined)?.def?.innerType;
  return inner ? unwrap(inner) : (schema ?? {});
}
