/**
 * Services and backends by node_exporter's names for IPVS. Only what comes in is counted: answers do not pass this box.
 * Nor does it keep a table of connections, so there are none to count as active or inactive.
 */
import type { BackendStatus } from '../../controlplane/balancer/backend-status.ts';
import type { Frontend } from '../../controlplane/balancer/model.ts';
import type { Traffic } from '../../controlplane/balancer/traffic.ts';
import type { Sample } from '../counter-samples.ts';
import type { Family } from '../exporter.ts';
import type { CompatSources } from './sources.ts';

export function ipvsFamilies({ balance, backends }: CompatSources): Family[] {
  const total = (name: string, help: string, value: (traffic: Traffic) => bigint): Family => ({
    definition: { name: `node_ipvs_${name}_total`, type: 'counter', labels: [], help },
    collect: () => {
      const found = balance();
      return found ? [{ labels: {}, value: Number(value(found.traffic)) }] : [];
    },
  });
  return [
    total('connections', 'The total number of connections made.', ({ flows }) => flows),
    total('incoming_packets', 'The total number of incoming packets.', ({ packets }) => packets),
    total('incoming_bytes', 'The total amount of incoming data.', ({ bytes }) => bytes),
    {
      definition: {
        name: 'node_ipvs_backend_weight',
        type: 'gauge',
        labels: ['local_address', 'local_port', 'remote_address', 'remote_port', 'proto', 'local_mark'],
        help: 'The current backend weight.',
      },
      *collect(): Iterable<Sample> {
        const found = backends() ? balance() : undefined;
        if (!found) return;
        const pools = new Map<string, BackendStatus[]>();
        for (const backend of found.backends) {
          const members = pools.get(backend.pool);
          if (members) members.push(backend);
          else pools.set(backend.pool, [backend]);
        }
        for (const { pool, frontends } of found.services)
          for (const frontend of frontends)
            for (const backend of pools.get(pool) ?? [])
              yield { labels: addressesOf(frontend, backend), value: backend.view.ringWeight };
      },
    },
  ];
}

function addressesOf(frontend: Frontend, { spec }: BackendStatus): Record<string, string> {
  const { vip, protocol, fromPort, toPort } = frontend;
  const port = fromPort === toPort ? String(fromPort) : `${fromPort}-${toPort}`;
  return {
    local_address: vip.replace(vip.includes(':') ? /\/128$/ : /\/32$/, ''),
    local_port: port,
    remote_address: spec.address,
    remote_port: spec.port === 0 ? port : String(spec.port),
    proto: protocol === 'any' ? 'ANY' : protocol.toUpperCase(),
    local_mark: '',
  };
}
