/** What every command about a running box shares: which one is meant, and asking its daemon. */
import { request } from 'node:http';
import type { Command } from 'commander';
import { type InstancePaths, instancePaths } from '../../controlplane/dataplane/pins.ts';

export interface InstanceOptions {
  readonly instance?: string;
  /** A configuration file, to take the instance's name from. */
  readonly config?: string;
  readonly json?: boolean;
}

export function withInstance(command: Command): Command {
  return command
    .option('--instance <name>', 'the box meant, when several run on this machine (default: "default")')
    .option('-c, --config <file>', 'the box of this configuration file, instead of --instance');
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON');
}

/** `--instance` wins over the file's, as it does for `headrace run`. @throws ConfigError for a file that is not right. */
export async function pathsOf({ instance, config }: InstanceOptions): Promise<InstancePaths> {
  if (instance !== undefined || config === undefined) return instancePaths(instance ?? 'default');
  // Most commands only ask the daemon, and shall not wait for what reads a configuration.
  const { loadConfig } = await import('../config/load.ts');
  return instancePaths(loadConfig(config).instance);
}

export interface Question {
  /** Default GET. */
  readonly method?: 'GET' | 'POST';
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** No daemon is there, or it is just ending. */
const silent: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

/**
 * The daemon's answer; undefined when no daemon answers.
 * @throws Error with the daemon's own words when it refuses, or when it does not answer within five seconds.
 */
export function askDaemon<T>(paths: InstancePaths, resource: string, question: Question = {}): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const options = {
      socketPath: paths.controlSocket,
      path: resource,
      method: question.method ?? 'GET',
      headers: { 'content-type': 'application/json' },
      timeout: 5000,
    };
    const asked = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => {
        const answer = JSON.parse(text) as T & { readonly error?: string };
        if (response.statusCode === 200) resolve(answer);
        else reject(Object.assign(new Error(answer.error ?? `status ${response.statusCode}`), { code: 'DAEMON' }));
      });
    });
    asked.on('timeout', () => asked.destroy(new Error('the daemon does not answer')));
    asked.on('error', (error: NodeJS.ErrnoException) =>
      silent.has(error.code ?? '') ? resolve(undefined) : reject(error),
    );
    asked.end(question.body === undefined ? undefined : JSON.stringify(question.body));
  });
}
