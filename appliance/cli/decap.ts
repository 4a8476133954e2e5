/** `headrace decap`: the real server's side of the tunnels, for servers without tunnel devices. Nothing stays running. */
import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { RealServer, type UnwrappingSpec } from '../../controlplane/balancer/real-server.ts';
import { instancePaths } from '../../controlplane/dataplane/index.ts';
import { formatIp, type Link, parseIp, RouteNetlink } from '../../controlplane/netlink/index.ts';
import { toJson } from '../json.ts';
import { withJson } from './instance.ts';
import { table } from './table.ts';

const decapObject = fileURLToPath(new URL('../../../build/xdp/decap.bpf.o', import.meta.url));

interface DecapOptions {
  readonly instance: string;
  readonly interface?: readonly string[];
  readonly vip: readonly string[];
  readonly guePort: number;
  readonly mode: UnwrappingSpec['mode'];
  readonly json?: boolean;
}

/** A row of the table, and of the JSON. */
interface DecapRow {
  readonly interface: string;
  readonly ifindex: number;
  readonly attached: boolean;
  readonly mode: string;
  readonly guePort: number;
  readonly vips: readonly string[];
  readonly unwrapped: bigint;
  readonly congested: bigint;
  readonly notes: readonly string[];
}

const examples = `
Examples:
  headrace decap run --interface eth0 --vip 198.51.100.10 --vip 2001:db8:51::10
  headrace decap status --json
  headrace decap detach --interface eth0`;

export function addDecap(program: Command): void {
  const decap = program
    .command('decap')
    .description('on a real server: take off what a balancer wrapped around packets for VIPs (ipip, gue)')
    .addHelpText(
      'after',
      `
Instead of tunnel devices. "run" attaches a program to interfaces and ends; the program stays until "detach" or the next
boot, follows nothing, and leaves every packet alone that is not for a listed VIP. The VIPs stand on the loopback
interface of the server, as always.

run options: --interface, --vip (both several times), --gue-port (6080; 0: no GUE), --mode (auto, native, generic)
${examples}`,
    );
  const base = (name: string, description: string): Command =>
    withJson(decap.command(name))
      .description(description)
      .option('--instance <name>', 'keeps machines apart that share a run directory', 'default')
      .addHelpText('after', examples);
  const names = (name: string, before: readonly string[] = []): readonly string[] => [...before, name];
  const addresses = (text: string, before: readonly string[] = []): readonly string[] => [...before, addressOf(text)];
  base('run', 'unwrap on these interfaces, for these VIPs and no others; again to change them')
    .requiredOption('-i, --interface <name>', 'where tunnel packets arrive; may be given several times', names)
    .requiredOption('--vip <address>', 'a VIP of this server; may be given several times', addresses)
    .option('--gue-port <port>', 'UDP port of GUE; 0: only ipip', portOf, 6080)
    .addOption(
      new Option('--mode <mode>', 'auto is native, or generic where the driver cannot')
        .choices(['auto', 'native', 'generic'])
        .default('auto'),
    )
    .action((options: DecapOptions) => {
      const server = serverOf(options);
      for (const { index } of linksNamed(options.interface ?? [])) server.start(decapObject, index, specOf(options));
      show(server, options);
    });
  base(
    'status',
    'what is attached, for which VIPs, and how many packets were unwrapped; exit 1 when one is not attached',
  ).action((options: DecapOptions) => {
    if (show(serverOf(options), options).some(({ attached }) => !attached)) process.exitCode = 1;
  });
  base('detach', 'take the program off, and forget its counter')
    .option('-i, --interface <name>', 'only there; may be given several times. Default: everywhere', names)
    .action((options: DecapOptions) => {
      const server = serverOf(options);
      const wanted = options.interface ? linksNamed(options.interface).map(({ index }) => index) : undefined;
      const stopped = server.list().filter(({ ifindex }) => (wanted ?? [ifindex]).includes(ifindex));
      for (const { ifindex } of stopped) server.stop(ifindex);
      if (options.json) console.log(toJson({ detached: stopped.map(({ ifindex }) => ifindex) }, 2));
      else console.log(`detached from ${stopped.length} ${stopped.length === 1 ? 'interface' : 'interfaces'}`);
    });
}

function addressOf(text: string): string {
  const address = parseIp(text);
  if (!address) throw new InvalidArgumentError('It must be an IPv4 or IPv6 address.');
  return formatIp(address.bytes);
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65535) throw new InvalidArgumentError('It must be a port, or 0.');
  return port;
}

function serverOf({ instance }: DecapOptions): RealServer {
  return new RealServer(instancePaths(instance).bpffs, instance);
}

function specOf({ vip: vips, guePort, mode }: DecapOptions): UnwrappingSpec {
  return { vips, guePort, mode };
}

/** All of them, or nothing is done. @throws Error with code ABSENT. */
function linksNamed(names: readonly string[]): Link[] {
  using netlink = RouteNetlink.open();
  const links = netlink.links();
  return names.map((name) => {
    const link = links.find((each) => each.name === name);
    if (link) return link;
    throw Object.assign(new Error(`find interface ${name}: there is none of that name; see ip link`), {
      code: 'ABSENT',
    });
  });
}

function show(server: RealServer, { json }: DecapOptions): readonly DecapRow[] {
  using netlink = RouteNetlink.open();
  const links = new Map(netlink.links().map((link) => [link.index, link]));
  const own = new Set(netlink.addresses().map(({ bytes }) => formatIp(bytes)));
  const rows = server.list().map(({ ifindex, attached, vips, guePort, unwrapped, congested }): DecapRow => {
    const link = links.get(ifindex);
    return {
      interface: link?.name ?? `if${ifindex}`,
      ifindex,
      attached,
      mode: attached ? (link?.xdp?.mode ?? '?') : '-',
      guePort,
      vips,
      unwrapped,
      congested,
      notes: [
        ...(congested > 0n ? [`${congested} dropped, which met congestion and whose senders know no ECN`] : []),
        ...(attached ? [] : ['not attached: the interface is gone, or the program was taken off']),
        ...vips
          .filter((vip) => !own.has(vip))
          .map(
            (vip) => `${vip} is no address of this host: ip address add ${vip}/${vip.includes(':') ? 128 : 32} dev lo`,
          ),
      ],
    };
  });
  if (json) console.log(toJson(rows, 2));
  else if (rows.length === 0) console.log('nothing is unwrapped on any interface');
  else
    console.log(
      table(
        ['interface', 'xdp', 'gue port', 'unwrapped', 'vips', 'remark'],
        rows.map((row) => [
          row.interface,
          row.mode,
          row.guePort === 0 ? '-' : String(row.guePort),
          String(row.unwrapped),
          row.vips.join(', '),
          row.notes.join('; '),
        ]),
      ),
    );
  return rows;
}
