/** `headrace check`: what is wrong with a configuration, and nothing changed. */
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { ConfigError, renderProblem } from '../config/problem.ts';
import { configJsonSchema } from '../config/schema/index.ts';
import { checkBird } from './check-bird.ts';

interface CheckOptions {
  readonly config?: string;
  readonly bird?: string;
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
    .option('--bird-version <version>', 'with --bird, say what this version of BIRD refuses')
    .option('--schema', "print the JSON Schema of the file, for an editor's completion")
    .option('--json', 'print the problems as JSON')
    .addHelpText(
      'after',
      `
Exit status: 0 the file is right, 2 it is not.

Examples:
  headrace check -c headrace.yaml
  headrace check --bird /etc/bird/bird.conf
  headrace check --schema > headrace.schema.json`,
    )
    .action((options: CheckOptions, command: Command) => {
      if (options.schema) {
        console.log(JSON.stringify(configJsonSchema(), null, 2));
        return;
      }
      if (options.bird) {
        const { json = false, birdVersion } = options;
        const result = checkBird(options.bird, { json, ...(birdVersion ? { version: birdVersion } : {}) });
        process.stdout.write(result.text);
        process.exitCode = result.exitCode;
        // Given both files, go on to the other when this one is right.
        if (!options.config || result.exitCode !== 0) return;
      }
      if (!options.config) command.error('give the file with -c FILE');
      try {
        const { setAside, warnings } = loadConfig(options.config!);
        if (options.json) console.log(JSON.stringify([...setAside, ...warnings], null, 2));
        else if (setAside.length > 0) throw new ConfigError(setAside);
        else {
          for (const warning of warnings) console.error(`warning: ${renderProblem(warning)}`);
          console.log(`${options.config}: all well`);
        }
        if (setAside.length > 0) process.exitCode = 2;
      } catch (error) {
        if (!(error instanceof ConfigError) || !options.json) throw error;
        console.log(JSON.stringify(error.problems, null, 2));
        process.exitCode = 2;
      }
    });
}
