/**
 * Long runs by hand: `node --import tsx test/lab/differential/main.ts --count 3000 --seed N [--only CLASS] [--alone] [--mirror] [--changing]`.
 * Exit code 1 when something differs.
 */
import { parseArgs } from 'node:util';
import { runDifferential } from './run.ts';
import { reportText } from './table.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '3000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    alone: { type: 'boolean', default: false },
    mirror: { type: 'boolean', default: false },
    changing: { type: 'boolean', default: false },
  },
});

const report = await runDifferential({
  count: Number(values.count),
  seed: Number(values.seed),
  alone: values.alone,
  changing: values.changing,
  fib: values.mirror ? 'mirror' : 'helper',
  ...(values.only === undefined ? {} : { only: values.only }),
});
console.log(reportText(report));
process.exitCode = report.mismatches.length > 0 || report.fastShare < 0.95 ? 1 : 0;
