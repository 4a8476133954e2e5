/** The command line's shape: each command is a file of its own, and this one knows their names. */
import { Command } from 'commander';

type Add = (program: Command) => void;

/** In the order of the help. Each is read when it is asked for: reading all takes longer than most of them run. */
const commands: Readonly<Record<string, () => Promise<Add>>> = {
  run: async () => (await import('./run.ts')).addRun,
  check: async () => (await import('./check.ts')).addCheck,
  status: async () => (await import('./status.ts')).addStatus,
  top: async () => (await import('./top/top.ts')).addTop,
  interfaces: async () => (await import('./interfaces.ts')).addInterfaces,
  neighbors: async () => (await import('./neighbors.ts')).addNeighbors,
  counters: async () => (await import('./counters.ts')).addCounters,
  capture: async () => (await import('./capture.ts')).addCapture,
  routes: async () => (await import('./routes.ts')).addRoutes,
  bgp: async () => (await import('./bgp.ts')).addBgp,
  checks: async () => (await import('./checks.ts')).addChecks,
  announcements: async () => (await import('./announcements.ts')).addAnnouncements,
  doctor: async () => (await import('./doctor.ts')).addDoctor,
  load: async () => (await import('./load.ts')).addLoad,
  detach: async () => (await import('./detach.ts')).addDetach,
  demo: async () => (await import('./demo.ts')).addDemo,
  services: async () => (await import('./services.ts')).addServices,
  backends: async () => (await import('./backends.ts')).addBackends,
  connections: async () => (await import('./connections.ts')).addConnections,
  plan: async () => (await import('./plan.ts')).addPlan,
  decap: async () => (await import('./decap.ts')).addDecap,
};

/** Other words that lead to one of them. */
const aliases: Readonly<Record<string, string>> = { backend: 'backends', neighbours: 'neighbors' };

/** @param word what the command line begins with: when it names a command, the program has that one alone */
export async function createProgram(word = ''): Promise<Command> {
  const program = new Command('headrace')
    .description(
      'A software router in XDP: forwards in the driver what the kernel would forward, and leaves it the rest.',
    )
    .version('0.1.0')
    .showHelpAfterError()
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
  const asked = aliases[word] ?? word;
  const loaders = Object.hasOwn(commands, asked) ? [commands[asked]!] : Object.values(commands);
  for (const add of await Promise.all(loaders.map((load) => load()))) add(program);
  return program;
}

/** docs/reference/cli.md, from the help of each command. */
export async function cliReference(): Promise<string> {
  const sections = (await createProgram()).commands.map((command) => {
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
