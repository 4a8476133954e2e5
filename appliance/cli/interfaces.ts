/** `headrace interfaces`: every port and what it can do. */
import type { Command } from 'commander';
import { toJson } from '../json.ts';
import { type InstanceOptions, pathsOf, withInstance, withJson } from './instance.ts';
import { stateOf } from './state.ts';
import { table } from './table.ts';

const rpFilterNames = ['off', 'strict', 'loose'];

export function addInterfaces(program: Command): void {
  withJson(withInstance(program.command('interfaces')))
    .description(
      'list the interfaces: XDP mode, egress capability, what they lie on, and why packets are left to the kernel',
    )
    .addHelpText('after', '\nExamples:\n  headrace interfaces\n  headrace interfaces --json')
    .action(async (options: InstanceOptions) => {
      const { interfaces, running } = await stateOf(await pathsOf(options));
      if (options.json) {
        console.log(toJson(interfaces, 2));
        return;
      }
      if (!running) console.error('the daemon is not running: this is what it left attached');
      const rows = interfaces.map((port) => [
        port.name,
        String(port.ifindex),
        port.up ? 'up' : 'down',
        port.mac,
        String(port.mtu),
        port.mode,
        running ? (port.transmits ? 'yes' : 'no') : '?',
        running ? (rpFilterNames[port.rpFilter] ?? String(port.rpFilter)) : '?',
        port.vlan?.text ?? (port.master ? `${port.kind ? `${port.kind} ` : ''}in ${port.master}` : (port.kind ?? '')),
        port.problem ?? (port.kernel ? `to the kernel: ${port.kernel}` : switchedOff(port.switchedOff)),
      ]);
      const heads = ['interface', 'index', 'state', 'mac', 'mtu', 'xdp', 'egress', 'rp_filter', 'what', 'remark'];
      console.log(table(heads, rows));
    });
}

function switchedOff(offloads: readonly string[]): string {
  return offloads.length > 0 ? `switched off: ${offloads.join(', ')}` : '';
}
