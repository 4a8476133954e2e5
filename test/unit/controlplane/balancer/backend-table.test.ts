/** When a backend's record is written: never while a packet may be reading it. */
import { expect, it } from 'vitest';
import { BackendTable } from '../../../../controlplane/balancer/backend-table.ts';
import type { BackendSpec, BalancerSettings } from '../../../../controlplane/balancer/model.ts';
import type { NextHop } from '../../../../controlplane/balancer/next-hops.ts';
import { RecordTable } from '../../../../controlplane/balancer/record-table.ts';
import { lbBackendCodec } from '../../../../controlplane/bpf/generated/headrace.ts';

const own = Uint8Array.of(10, 0, 2, 1);

it('keeps the last source of a backend whose next hop is lost, and of none that had the number before', () => {
  const records = new RecordTable(new DataView(new ArrayBuffer(lbBackendCodec.size * 4)), lbBackendCodec);
  const table = new BackendTable(records, { mark: () => 0, passed: () => true });
  const settings = { sourceV4: null, sourceV6: null } as BalancerSettings;
  const write = (address: string, hop: NextHop | undefined): void => {
    const spec = { name: 'a', address, port: 0, guePort: 6080 } as BackendSpec;
    table.write(1, { spec, settings, hop, alive: true, ownSegment: false });
    table.settle();
  };
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
  const hop = { local: false, ifindex: 3, mtu: 1500, mac, sourceMac: mac, gateway: false, source: own, reason: '' };
  const lost = { ...hop, ifindex: 0, mtu: 0, mac: undefined, source: undefined };
  const seen = () => ({ source: records.read(1).source[3], resolved: table.isResolved(1) });
  const source = 0x0102000a;

  write('10.0.2.2', lost);
  expect(seen()).toEqual({ source: 0, resolved: false });
  write('10.0.2.2', { ...hop, source: undefined });
  expect(seen()).toEqual({ source: 0, resolved: false });
  write('10.0.2.2', hop);
  expect(seen()).toEqual({ source, resolved: true });
  const sum = records.read(1).outer_sum;
  for (const gone of [lost, undefined]) {
    write('10.0.2.2', gone);
    expect({ ...seen(), sum: records.read(1).outer_sum }).toEqual({ source, resolved: false, sum });
  }
  write('10.0.2.3', undefined);
  expect(seen()).toEqual({ source: 0, resolved: false });
});

it('waits the whole grace period, however often the next hop changes meanwhile', () => {
  let now = 0;
  const records = new RecordTable(new DataView(new ArrayBuffer(lbBackendCodec.size * 4)), lbBackendCodec);
  const table = new BackendTable(records, { mark: () => now, passed: (mark) => now - mark >= 250 });
  const spec = { name: 'a', address: '10.0.2.2', port: 0, guePort: 6080 } as BackendSpec;
  const settings = { sourceV4: null, sourceV6: null } as BalancerSettings;
  const write = (ifindex: number): void => {
    const mac = Uint8Array.of(2, 0, 0, 0, 0, ifindex);
    const hop: NextHop = {
      ...{ local: false, ifindex, mtu: 1500, mac, sourceMac: mac, gateway: false, source: own, reason: '' },
    };
    table.write(1, { spec, settings, hop, alive: true, ownSegment: false });
  };
  const seen = () => ({ ifindex: records.read(1).ifindex, resolved: table.isResolved(1) });

  write(3);
  expect(seen()).toEqual({ ifindex: 3, resolved: true });
  write(4);
  expect(seen()).toEqual({ ifindex: 3, resolved: false });
  now = 100;
  write(5);
  expect(seen()).toEqual({ ifindex: 3, resolved: false });
  expect(table.settle()).toBe(1);
  now = 250; // the first mark counts: packets have not used the record since
  expect(table.settle()).toBe(0);
  expect(seen()).toEqual({ ifindex: 5, resolved: true });

  write(6);
  write(5);
  expect(seen()).toEqual({ ifindex: 5, resolved: true });
  expect(table.settle()).toBe(0);
});
