/** `headrace check`: what is wrong with a configuration, and nothing changed. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { ConfigError, type Problem, renderProblem } from '../config/problem.ts';
import { type Config, configJsonSchema } from '../config/schema/index.ts';
import type { CheckBirdResult } from './check-bird.ts';

/** What `--bird` takes the announcements from when no file is named. */
const usualFile = '/etc/headrace/headrace.yaml';

interface CheckOptions {
  readonly config?: string;
  /** False for `--no-bird`. */
  readonly bird?: string | false;
  readonly birdVersion?: string;
  readonly schema?: boolean;
  readonly json?: boolean;
}

export function addCheck(program: Command): void {
  program
    .command('check')
    .description('say what is wrong with a configuration file, and change nothing')
    .option('-c, --config <file>', 'configuration file')
    .option('--bird <file>', 'a bird.conf: say what in it matters to forwarding')
    .option('--no-bird', "with -c, leave this box's bird.conf alone")
    .option('--bird-version <version>', 'say what this version of BIRD refuses in its file')
    .option('--schema', "print the JSON Schema of the file, for an editor's completion")
    .option('--json', 'print the problems as JSON: an array, or {config, bird} when both files are named')
    .addHelpText(
      'after',
      `
Where BIRD is in use on this box (its control socket is there, or announce.verify.daemon is bird), -c looks at
/etc/bird/bird.conf as well; that changes no exit status, and is left out with --json and --no-bird.
A bird.conf is judged by the policy rules of this machine and by the announcements of -c
(without -c: of ${usualFile}).

Exit status: 0 the files named are right, 2 they are not.

Examples:
  headrace check -c headrace.yaml
  headrace check --bird /etc/bird/bird.conf
  headrace check -c headrace.yaml --bird bird.conf --bird-version 2.0.12
  headrace check --schema > headrace.schema.json`,
    )
    .action(async (options: CheckOptions, command: Command) => {
      if (options.schema) {
        console.log(JSON.stringify(configJsonSchema(), null, 2));
        return;
      }
      const named = typeof options.bird === 'string' ? options.bird : undefined;
      if (!options.config && named === undefined) command.error('give the file with -c FILE');
      if (options.json) await checkAsJson(options, named);
      else await checkAsText(options, named);
    });
}

async function checkAsText(options: CheckOptions, named: string | undefined): Promise<void> {
  let config: Config | undefined;
  if (options.config) {
    config = loadConfig(options.config);
    if (config.setAside.length > 0) throw new ConfigError(config.setAside);
    for (const warning of config.warnings) console.error(`warning: ${renderProblem(warning)}`);
    console.log(`${options.config}: all well`);
  }
  const result = await birdOf(options, named, config);
  if (!result) return;
  process.stdout.write(result.text);
  if (named !== undefined) process.exitCode = result.exitCode;
}

async function checkAsJson(options: CheckOptions, named: string | undefined): Promise<void> {
  let config: Config | undefined;
  let problems: readonly Problem[] = [];
  if (options.config) {
    try {
      config = loadConfig(options.config);
      problems = [...config.setAside, ...config.warnings];
      if (config.setAside.length > 0) process.exitCode = 2;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems = error.problems;
      process.exitCode = 2;
    }
  }
  const result = named === undefined ? undefined : await birdOf(options, named, config);
  if (result && result.exitCode !== 0) process.exitCode = result.exitCode;
  if (!result) console.log(JSON.stringify(problems, null, 2));
  else if (!options.config) process.stdout.write(result.text);
  else console.log(JSON.stringify({ config: problems, bird: JSON.parse(result.text) as unknown }, null, 2));
}

/** Check the bird.conf that is named, or the one that is in use. What that takes is loaded only then. */
async function birdOf(
  { bird, birdVersion, json = false }: CheckOptions,
  named: string | undefined,
  config: Config | undefined,
): Promise<CheckBirdResult | undefined> {
  if (bird === false) return undefined;
  const { birdContext, usualBirdFile } = await import('./bird-context.ts');
  const file = named ?? usualBirdFile(config);
  if (file === undefined) return undefined;
  const { checkBird } = await import('./check-bird.ts');
  const context = birdContext(config ?? usualConfig());
  return checkBird(file, { json, context, ...(birdVersion === undefined ? {} : { version: birdVersion }) });
}

/** A file nobody named: when it is not there or is not right, the advice does without. */
function usualConfig(): Config | undefined {
  if (!existsSync(usualFile)) return undefined;
  try {
    return loadConfig(usualFile);
  } catch {
    return undefined;
  }
}
