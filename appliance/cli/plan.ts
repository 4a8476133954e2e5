/** `headrace plan`: what a reload of a file would change, said before it is done. */
import type { Command } from 'commander';
import type { Changes, Plan } from '../../controlplane/balancer/plan.ts';
import { loadConfig } from '../config/load.ts';
import { renderProblem } from '../config/problem.ts';
import { toJson } from '../json.ts';
import { askRunning } from './services.ts';

interface PlanOptions {
  readonly config: string;
  readonly instance?: string;
  readonly json?: boolean;
}

export function addPlan(program: Command): void {
  program
    .command('plan')
    .description('say what a reload of this file would change in the load balancer, and change nothing')
    .requiredOption('-c, --config <file>', 'configuration file')
    .option('--instance <name>', "the running box to compare with (default: the file's)")
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Exit status: 0 nothing would break, 1 connections would break or VIPs be withdrawn, 2 the file is wrong or does not fit.

Examples:
  headrace plan -c headrace.yaml
  headrace plan -c new.yaml --json`,
    )
    .action(async (options: PlanOptions) => {
      const config = loadConfig(options.config);
      const instance = options.instance ?? config.instance;
      const plan = await askRunning<Plan>({ instance }, '/plan', { method: 'POST', body: config });
      if (options.json) console.log(toJson({ ...plan, setAside: config.setAside }, 2));
      else {
        for (const problem of config.setAside) console.error(`set aside: ${renderProblem(problem)}`);
        console.log(describe(plan));
      }
      if (plan.refused !== null || config.setAside.length > 0) process.exitCode = 2;
      else if (plan.breaks.length > 0 || plan.vips.withdrawn.length > 0) process.exitCode = 1;
    });
}

function describe(plan: Plan): string {
  const lines = [
    ...changes('service', plan.services),
    ...changes('backend', plan.backends),
    ...plan.vips.added.map((vip) => `+ VIP ${vip}`),
    ...plan.vips.withdrawn.map((vip) => `- VIP ${vip} withdrawn`),
    ...plan.rings
      .filter(({ moved }) => moved > 0)
      .map(
        ({ pool, table, moved, settling }) =>
          `~ pool ${pool}: ${moved} of ${table} slots (${((moved / table) * 100).toFixed(1)} %) get another backend, ${settling} of them settle`,
      ),
    ...plan.breaks.map((line) => `! ${line}`),
  ];
  if (plan.refused !== null) lines.push(`refused: ${plan.refused}`);
  return lines.length === 0 ? 'nothing would change' : lines.join('\n');
}

function changes(what: string, { added, removed, changed }: Changes): string[] {
  return [
    ...added.map((name) => `+ ${what} ${name}`),
    ...removed.map((name) => `- ${what} ${name}`),
    ...changed.map((change) => `~ ${what} ${change.name}: ${change.what.join(', ')}`),
  ];
}
