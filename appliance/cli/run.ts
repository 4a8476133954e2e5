/** `headrace run`: the daemon, in the foreground. */
import { type Command, Option } from 'commander';
import { EventLog } from '../../monitoring/events/index.ts';
import { Daemon } from '../daemon/daemon.ts';
import { createLog, type LogFormat, logEvents, logFormats } from '../daemon/log.ts';

interface RunOptions {
  readonly instance?: string;
  readonly config: string;
  readonly logLevel: string;
  readonly logFormat: LogFormat;
}

export function addRun(program: Command): void {
  program
    .command('run')
    .description('forward packets: attach to the configured interfaces and follow what changes, until stopped')
    .option('--instance <name>', "name of the box, when several run on this machine; wins over the file's")
    .requiredOption('-c, --config <file>', 'configuration file')
    .addOption(
      new Option('--log-level <level>', 'the least that is logged')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .addOption(
      new Option('--log-format <format>', 'sentences for the journal, or JSON; auto: as stderr is the journal or not')
        .choices(logFormats)
        .default('auto'),
    )
    .addHelpText(
      'after',
      `
Prints "ready" when it forwards. SIGHUP reads the configuration again. When it stops, by whatever signal, packets go on
being forwarded; "headrace detach" ends that.

Examples:
  headrace run -c /etc/headrace/headrace.yaml
  nsenter --net=/run/netns/edge headrace run -c edge.yaml --instance edge`,
    )
    .action(async (options: RunOptions) => {
      const log = createLog(options.logLevel, options.logFormat);
      const events = new EventLog();
      logEvents(events, log);
      const daemon = await Daemon.start({ configFile: options.config, instance: options.instance, log, events });
      process.on('SIGHUP', () => void daemon.reload());
      for (const signal of ['SIGTERM', 'SIGINT'] as const)
        process.once(signal, () => {
          events.emit('daemon_stopping', { signal });
          daemon.close();
          events.close();
          process.exit(0);
        });
      const { interfaces } = daemon.status();
      const names = interfaces.filter((port) => port.mode !== 'none').map((port) => port.name);
      console.log(`ready: forwarding on ${names.length > 0 ? names.join(', ') : 'no interface yet'}`);
    });
}
