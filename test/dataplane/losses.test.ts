/** The programs that count what is lost after the verdict load and attach on this kernel, by its own types. */
import { expect, it } from 'vitest';
import { lossCause, maps } from '../../controlplane/bpf/generated/losses.ts';
import { BpfObject, netnsInode, TracepointLink } from '../../controlplane/bpf/index.ts';
import { repository } from '../lab/library/repository.ts';

it('losses.bpf.o loads, attaches, and has room for every cause', () => {
  using object = BpfObject.open(`${repository}/build/xdp/losses.bpf.o`);
  object.setConstants({ own_netns: netnsInode() });
  object.load();
  for (const name of ['headrace_redirect_err', 'headrace_devmap_xmit', 'headrace_exception']) {
    using program = object.program(name);
    using _link = TracepointLink.attach(program);
  }
  using losses = object.map(maps.losses);
  const [first] = losses.getPerCpu(0) ?? [];
  expect(first?.packets.length).toBeGreaterThanOrEqual(Object.keys(lossCause).length);
});
