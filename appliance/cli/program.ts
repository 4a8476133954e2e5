/** The command line's shape: each command is a file of its own, and this one knows their names. */
import { Command } from 'commander';
import { addAnnouncements } from './announcements.ts';
import { addBackends } from './backends.ts';
import { addBgp } from './bgp.ts';
import { addCapture } from './capture.ts';
import { addCheck } from './check.ts';
import { addChecks } from './checks.ts';
import { addConnections } from './connections.ts';
import { addCounters } from './counters.ts';
import { addDecap } from './decap.ts';
import { addDemo } from './demo.ts';
import { addDetach } from './detach.ts';
import { addDoctor } from './doctor.ts';
import { addInterfaces } from './interfaces.ts';
import { addLoad } from './load.ts';
import { addNeighbors } from './neighbors.ts';
import { addPlan } from './plan.ts';
import { addRoutes } from './routes.ts';
import { addRun } from './run.ts';
import { addServices } from './services.ts';
import { addStatus } from './status.ts';
import { addTop } from './top/top.ts';

const commands = [
  addRun,
  addCheck,
  addStatus,
  addTop,
  addInterfaces,
  addNeighbors,
  addCounters,
  addCapture,
  addRoutes,
  addBgp,
  addChecks,
  addAnnouncements,
  addDoctor,
  addLoad,
  addDetach,
  addDemo,
  addServices,
  addBackends,
  addConnections,
  addPlan,
  addDecap,
];

export function createProgram(): Command {
  const program = new Command('headrace')
    .description(
      'A software router in XDP: forwards in the driver what the kernel would forward, and leaves it the rest.',
    )
    .version('0.1.0')
    .showHelpAfterError()
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
  for (const add of commands) add(program);
  return program;
}

/** docs/reference/cli.md, from the help of each command. */
export function cliReference(): string {
  const sections = createProgram().commands.map((command) => {
    let text = '';
    command.configureHelp({ helpWidth: 100 });
    command.configureOutput({
      writeOut: (part) => {
        text += part;
      },
      getOutHelpWidth: () => 100,
      getOutHasColors: () => false,
    });
    command.outputHelp();
    return `## headrace ${command.name()}\n\n\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`;
  });
  return `# Command line

<!-- Generated from appliance/cli by appliance/cli/reference.ts: change it there. -->

Exit statuses: 0 all well, 1 it could not be done or is not well, 2 the command line or the configuration is wrong.

${sections.join('\n')}`;
}
