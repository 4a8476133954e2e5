/** `headrace interfaces`: every port and what it can do. */
import type { Command } from 'commander';
import { toJson } from '../daemon/control-server.ts';
import { type InstanceOptions, pathsOf, withInstance, withJson } from './instance.ts';
import { stateOf } from './state.ts';
import { table } from './table.ts';

const rpFilterNames = ['off', 'strict', 'loose'];

export function addInterfaces(program: Command): void {
  withJson(withInstance(program.command('interfaces')))
    .description('list the interfaces: XDP mode, egress capability, reverse-path filter')
    .addHelpText('after', '\nExamples:\n  headrace interfaces\n  headrace interfaces --json')
    .action(async (options: InstanceOptions) => {
      const { interfaces, running } = await stateOf(pathsOf(options));
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
        port.problem ?? '',
      ]);
      console.log(table(['interface', 'index', 'state', 'mac', 'mtu', 'xdp', 'egress', 'rp_filter', 'problem'], rows));
    });
}
