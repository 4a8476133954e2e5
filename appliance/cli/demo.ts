/** `headrace demo`: a small Internet in namespaces, real daemons, real traffic, and what becomes of it. */
import type { Command } from 'commander';

export interface DemoOptions {
  /** Do not ask before namespaces are made. */
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly seconds: string;
  readonly balancer?: boolean;
}

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description(
      'build a small Internet in namespaces and watch the router forward real traffic; leaves nothing behind',
    )
    .option('--balancer', 'a site of three web servers behind the load balancer instead')
    .option('-y, --yes', 'do not ask; nor is asked without a terminal, or with --json')
    .option('--json', 'print the result as JSON')
    .option(
      '--seconds <n>',
      'how long the traffic runs: each way of forwarding, or with --balancer all of it; at least 3',
      '12',
    )
    .addHelpText(
      'after',
      '\nExit status: 0 it worked (or was declined), 1 it did not, 2 the command line is wrong.\n\nExamples:\n  headrace demo --yes\n  headrace demo --yes --json\n  headrace demo --balancer --yes',
    )
    .action(async (options: DemoOptions) => {
      const { runDemo } = await import('../demo/index.ts');
      process.exitCode = await runDemo({ ...options, seconds: Number(options.seconds) });
    });
}
