/** `headrace run`: the daemon, in the foreground. */
import type { Command } from 'commander';
import { pino } from 'pino';
import { Daemon } from '../daemon/daemon.ts';

interface RunOptions {
  readonly instance?: string;
  readonly config: string;
  readonly logLevel: string;
}

export function addRun(program: Command): void {
  program
    .command('run')
    .description('forward packets: attach to the configured interfaces and follow what changes, until stopped')
    .option('--instance <name>', "name of the box, when several run on this machine; wins over the file's")
    .requiredOption('-c, --config <file>', 'configuration file')
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
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
      const log = pino({ level: options.logLevel, base: null }, pino.destination(2));
      const daemon = await Daemon.start({ configFile: options.config, instance: options.instance, log });
      process.on('SIGHUP', () => void daemon.reload());
      for (const signal of ['SIGTERM', 'SIGINT'] as const)
        process.once(signal, () => {
          log.info(`${signal}: the daemon stops, packets go on being forwarded`);
          daemon.close();
          process.exit(0);
        });
      const { interfaces, problems } = daemon.status();
      for (const problem of problems) log.warn(problem);
      const names = interfaces.filter((port) => port.mode !== 'none').map((port) => port.name);
      console.log(`ready: forwarding on ${names.length > 0 ? names.join(', ') : 'no interface yet'}`);
    });
}
