/**
 * The demo's site: three web servers behind a box, and a client in front of it.
 *
 *     client ── p0 box p1 ── web1   weight 200
 *                      p2 ── web2   weight 100
 *                      p3 ── web3   weight 100
 *
 * Each server has the VIP on its loopback, an nginx that answers with the server's name, and a server for connections
 * that are held. Answers go from the server to the client past the balancer's services.
 */
import { writeFileSync } from 'node:fs';
import { canCarryChecks } from '../../../controlplane/check-path/index.ts';
import { Farm, PORT, vip4 } from '../../../test/lab/balancer/farm.ts';
import { type Lab, type Process, until } from '../../../test/lab/library/index.ts';

export const weights: Readonly<Record<string, number>> = { web1: 200, web2: 100, web3: 100 };
export const servers = Object.keys(weights);

/** Share of new connections that each of some servers should get, 0 to 1. */
export function wantedShares(among: readonly string[] = servers): Record<string, number> {
  const sum = among.reduce((all, name) => all + weights[name]!, 0);
  return Object.fromEntries(servers.map((name) => [name, among.includes(name) ? weights[name]! / sum : 0]));
}

export class Site {
  readonly farm: Farm;
  readonly #processes = new Map<string, Process[]>();

  private constructor(farm: Farm) {
    this.farm = farm;
  }

  /** Builds hosts and links, and waits until every server answers. */
  static async build(lab: Lab): Promise<Site> {
    const site = new Site(new Farm(lab, servers));
    await Promise.all(servers.map((name) => site.#serve(name)));
    return site;
  }

  async #serve(name: string): Promise<void> {
    const host = this.farm.servers.get(name)!;
    const file = `${host.folder}/nginx.conf`;
    writeFileSync(
      file,
      `daemon off; master_process off; pid ${host.folder}/nginx.pid; error_log stderr crit; events {}
http { access_log off; client_body_temp_path ${host.folder}; proxy_temp_path ${host.folder}; fastcgi_temp_path ${host.folder};
  uwsgi_temp_path ${host.folder}; scgi_temp_path ${host.folder};
  server { listen 80; location / { default_type text/plain; return 200 "${name}\\n"; } } }\n`,
    );
    const web = host.spawn(['nginx', '-c', file, '-p', host.folder]);
    this.#processes.set(name, [web, await this.farm.serve(name)]);
    await until(`${name} to answer`, () => host.exec(['ss', '-Hltn']).stdout.includes(':80 '));
  }

  /** All that serves there ends at once. */
  async kill(name: string): Promise<void> {
    for (const process of this.#processes.get(name) ?? []) await process.kill('SIGKILL');
  }

  /** Headrace's configuration. @param checked servers are checked: by the way that clients' packets take, where the kernel can */
  config(checked: boolean): object {
    const backends = servers.map((name) => [name, { address: this.farm.address(name), weight: weights[name] }]);
    const check = {
      via: canCarryChecks() ? 'vip' : 'direct',
      http: { port: 80 },
      ...{ interval: '500ms', fast_interval: '150ms', timeout: '1s', rise: 1, fall: 3 },
    };
    return {
      version: 1,
      dataplane: { interfaces: [{ match: 'p*' }] },
      pools: { web: { backends: Object.fromEntries(backends), ...(checked && { check }) } },
      services: {
        www: { frontends: [{ vip: vip4, tcp: [80, PORT], udp: [PORT] }], pool: 'web', forward: { mode: 'l2' } },
      },
    };
  }
}
