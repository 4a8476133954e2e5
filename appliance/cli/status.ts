/** `headrace status`: is all well? */
import type { Command } from 'commander';
import { toJson } from '../daemon/control-server.ts';
import { type InstanceOptions, pathsOf, withInstance, withJson } from './instance.ts';
import { stateOf } from './state.ts';

export function addStatus(program: Command): void {
  withJson(withInstance(program.command('status')))
    .description('say whether all is well, on one screen')
    .addHelpText(
      'after',
      '\nExit status: 0 all well, 1 something is not.\n\nExamples:\n  headrace status\n  headrace status --json',
    )
    .action(async (options: InstanceOptions) => {
      const status = await stateOf(pathsOf(options));
      if (!status.healthy && !options.json) process.exitCode = 1;
      if (options.json) {
        console.log(toJson(status, 2));
        return;
      }
      const attached = status.interfaces.filter((port) => port.mode !== 'none');
      const total = status.forwardedPackets + status.kernelPackets;
      const share = total > 0 ? ` (${((100 * status.forwardedPackets) / total).toFixed(1)} %)` : '';
      console.log(`${status.healthy ? 'all well' : 'not well'}: instance "${status.instance}"`);
      console.log(
        `  daemon       ${status.running ? `running, pid ${status.pid}, for ${status.uptimeSeconds} s` : 'not running'}`,
      );
      console.log(`  interfaces   ${attached.map((port) => `${port.name} (${port.mode})`).join(', ') || 'none'}`);
      console.log(`  fast path    ${status.forwardedPackets} packets${share}`);
      console.log(`  kernel       ${status.kernelPackets} packets`);
      if (status.metrics) console.log(`  metrics      http://${status.metrics}/metrics`);
      for (const problem of status.problems) console.log(`  problem      ${problem}`);
      for (const note of status.notes) console.log(`  note         ${note}`);
    });
}
