/** Runs scenarios: the same at the same time in two worlds, and the outcomes compared. */
import { Lab } from '../library/index.ts';
import { daemonScenarios } from './daemon.ts';
import { neighborScenarios } from './neighbors.ts';
import { ruleScenarios } from './rules.ts';
import { type Comparison, judge, type Scenario } from './scenario.ts';
import { wayScenarios } from './ways.ts';
import { buildWorld } from './world.ts';

export const scenarios: readonly Scenario[] = [
  ...neighborScenarios,
  ...ruleScenarios,
  ...wayScenarios,
  ...daemonScenarios,
];

/** @throws Error when something that must happen in both worlds did not happen in one. */
export async function runScenario(scenario: Scenario): Promise<Comparison> {
  const lab = new Lab('scenario');
  try {
    const worlds = [await buildWorld(lab, 'kernel', scenario), await buildWorld(lab, 'headrace', scenario)] as const;
    const [kernel, headrace] = await Promise.all(worlds.map((world) => inWorld(scenario, world)));
    return { scenario, kernel: kernel!, headrace: headrace!, judgement: judge(scenario, kernel!, headrace!) };
  } finally {
    lab.cleanup();
  }
}

async function inWorld(scenario: Scenario, world: Awaited<ReturnType<typeof buildWorld>>): ReturnType<Scenario['run']> {
  try {
    return await scenario.run(world);
  } catch (error) {
    throw new Error(`scenario ${scenario.name}, ${world.side}: ${(error as Error).message}`, { cause: error });
  }
}
