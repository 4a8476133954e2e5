/**
 * By hand: `node --import tsx test/lab/scenarios/main.ts [--only NAME]... [--list]`. A line for each scenario; exit code
 * 1 when one differs, or could not be carried out.
 */
import { parseArgs } from 'node:util';
import { runScenario, scenarios } from './run.ts';
import { comparisonText } from './scenario.ts';

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, list: { type: 'boolean', default: false } },
});

const unknown = values.only?.filter((name) => scenarios.every((scenario) => scenario.name !== name)) ?? [];
if (unknown.length > 0) throw new Error(`run scenario ${unknown[0]}: there is none of that name; see --list`);

for (const scenario of scenarios) {
  if (values.only && !values.only.includes(scenario.name)) continue;
  if (values.list) {
    console.log(`${scenario.name}: ${scenario.what}`);
    continue;
  }
  try {
    const comparison = await runScenario(scenario);
    console.log(comparisonText(comparison));
    if (comparison.judgement === 'DIFFERENT') process.exitCode = 1;
  } catch (error) {
    console.log(`${scenario.name}: DIFFERENT: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
