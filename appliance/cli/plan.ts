/** `headrace plan`: what a reload of a file would change, said before it is done. */
import path from 'node:path';
import type { Command } from 'commander';
import type { Changes, Plan } from '../../controlplane/balancer/plan.ts';
import { instancePaths } from '../../controlplane/dataplane/pins.ts';
import { loadConfig } from '../config/load.ts';
import { renderProblem } from '../config/problem.ts';
import type { Config } from '../config/schema/index.ts';
import { toJson } from '../json.ts';
import { askDaemon } from './instance.ts';

interface PlanOptions {
  readonly config: string;
  readonly instance?: string;
  readonly json?: boolean;
}

export function addPlan(program: Command): void {
  program
    .command('plan')
    .description('say what a reload or start with this file would change in the load balancer, and change nothing')
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
      const answer = await askDaemon<Plan>(instancePaths(instance), '/plan', { method: 'POST', body: config });
      const { plan, note } = answer ? { plan: answer, note: undefined } : await planUnasked(config, instance);
      if (options.json) console.log(toJson({ ...plan, running: answer !== undefined, setAside: config.setAside }, 2));
      else {
        if (note) console.error(note);
        for (const problem of config.setAside) console.error(`set aside: ${renderProblem(problem)}`);
        console.log(describe(plan));
      }
      if (plan.refused !== null || config.setAside.length > 0) process.exitCode = 2;
      else if (plan.breaks.length > 0 || plan.vips.withdrawn.length > 0) process.exitCode = 1;
    });
}

/** No daemon runs: compares with what the last one was told, which is what packets still see. */
async function planUnasked(config: Config, instance: string): Promise<{ plan: Plan; note: string }> {
  const { planChange } = await import('../../controlplane/balancer/plan.ts');
  const { lastSpec } = await import('../../controlplane/balancer/balancer-state.ts');
  const { balancerSpecOf } = await import('../daemon/balancer-spec.ts');
  const last = lastSpec(path.join(instancePaths(instance).run, 'balancer.json'));
  const plan = await planChange(undefined, balancerSpecOf(config, last), last);
  const than = last ? 'what it was last told, as if every backend were well' : 'nothing: everything is new';
  return { plan, note: `instance "${instance}" is not running: compared with ${than}` };
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
