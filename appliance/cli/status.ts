/** `headrace status`: is all well? */
import type { Command } from 'commander';
import { count, duration, factsOf, type LiveSession, percent, type Snapshot } from '../../monitoring/live/index.ts';
import type { DaemonStatus, InterfaceStatus } from '../daemon/status.ts';
import { toJson } from '../json.ts';
import { askDaemon, type InstanceOptions, pathsOf, withInstance, withJson } from './instance.ts';
import { stateOf } from './state.ts';
import { type Style, sign, styleOf } from './top/style.ts';

interface StatusOptions extends InstanceOptions {
  readonly quiet?: boolean;
}

export function addStatus(program: Command): void {
  withJson(withInstance(program.command('status')))
    .description('say whether all is well, on one screen')
    .option('-q, --quiet', 'print nothing: the exit status says it')
    .addHelpText(
      'after',
      `
Exit status: 0 all well, 1 something is not. With --json it is 0, and "healthy" says it.

Examples:
  headrace status
  headrace status --quiet || echo "look at this box"
  headrace status --json | jq .problems`,
    )
    .action(async (options: StatusOptions) => {
      const paths = await pathsOf(options);
      const status = await stateOf(paths);
      if (!status.healthy && !options.json) process.exitCode = 1;
      if (options.quiet) return;
      if (options.json) {
        console.log(toJson(status, 2));
        return;
      }
      const live = status.running ? await askDaemon<Snapshot>(paths, '/snapshot').catch(() => undefined) : undefined;
      const style = styleOf(process.env, process.stdout.isTTY === true);
      console.log(renderStatus(status, live, style));
    });
}

type Line = readonly [title: string, text: string];

/** The screen: what is the case, then what is wrong, each in a line. */
export function renderStatus(status: DaemonStatus, live: Snapshot | undefined, style: Style): string {
  const facts = Object.values(factsOf(status.parts)).map(({ title, text }): Line => [title.toLowerCase(), text]);
  const lines: Line[] = [
    ['daemon', daemonLine(status)],
    ...interfaceLines(status.interfaces),
    ['packets', packetLine(status)],
    ...facts,
    ...serviceLines(live?.services ?? {}),
    ...sessionLines(Object.values(live?.sessions ?? {})),
    ...(status.metrics ? [['metrics', `http://${status.metrics}/metrics`] as const] : []),
    ...pageLine(status),
  ];
  const width = Math.max(...lines.map(([title]) => title.length));
  const say = (mark: string, [title, text]: Line): string => `${mark} ${title.padEnd(width)}  ${text}`;
  return [
    `${sign(style, status.healthy ? 'good' : 'bad')} ${status.healthy ? 'all well' : 'not well'}: instance "${status.instance}"`,
    ...lines.map((line) => say(' ', line)),
    ...status.problems.map((problem) => say(sign(style, 'bad'), ['problem', problem])),
    ...status.notes.map((note) => say(sign(style, 'attention'), ['note', note])),
  ].join('\n');
}

function daemonLine({ running, pid, uptimeSeconds, configFile }: DaemonStatus): string {
  return running ? `running for ${duration(uptimeSeconds ?? 0)}, pid ${pid}, ${configFile}` : 'not running';
}

/** Interfaces that are alike share a line. */
function interfaceLines(interfaces: readonly InterfaceStatus[]): Line[] {
  const groups = new Map<string, string[]>();
  for (const port of interfaces) {
    const mode = port.mode === 'none' ? 'not attached' : `XDP ${port.mode}`;
    const state = [port.up ? 'up' : 'down', mode, ...(port.transmits ? [] : ['sends by the kernel'])].join(', ');
    groups.set(state, [...(groups.get(state) ?? []), port.name]);
  }
  if (groups.size === 0) return [['interfaces', 'none']];
  return [...groups].map(([state, names], i) => [i === 0 ? 'interfaces' : '', `${names.join(', ')}: ${state}`]);
}

function packetLine({ forwardedPackets, kernelPackets }: DaemonStatus): string {
  const total = forwardedPackets + kernelPackets;
  const grouped = (value: number): string => value.toLocaleString('en-US');
  return `${grouped(forwardedPackets)} by the fast path (${percent(forwardedPackets, total)}), ${grouped(kernelPackets)} by the kernel`;
}

function serviceLines(all: Snapshot['services']): Line[] {
  const services = Object.entries(all);
  if (services.length === 0) return [];
  const backends = services.flatMap(([, service]) => Object.values(service.backends));
  const well = (list: readonly { readonly tone: string }[]): number =>
    list.filter(({ tone }) => tone === 'good').length;
  const total = `${well(services.map(([, service]) => service))} of ${count(services.length, 'service')} up, ${well(backends)} of ${count(backends.length, 'backend')} active`;
  const ill = services.filter(([, { tone }]) => tone !== 'good').slice(0, 5);
  return [
    ['services', total],
    ...ill.map(([name, { state, note }]): Line => ['', `${name}: ${state}${note ? `, ${note}` : ''}`]),
  ];
}

function sessionLines(sessions: readonly LiveSession[]): Line[] {
  if (sessions.length === 0) return [];
  const ill = sessions.filter(({ tone }) => tone !== 'good');
  return [
    ['BGP sessions', `${sessions.length - ill.length} of ${sessions.length} established`],
    ...ill
      .slice(0, 5)
      .map(
        ({ name, neighbor, state, note }): Line => ['', `${name} (${neighbor}): ${state}${note ? `, ${note}` : ''}`],
      ),
  ];
}

function pageLine({ parts }: DaemonStatus): Line[] {
  const { page } = (parts['live'] ?? {}) as { readonly page?: string | null };
  return page ? [['live page', page]] : [];
}
