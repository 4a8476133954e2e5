/** Loads and pins the packet path's programs with whatever capabilities it was started with: `INSTANCE`. */
import { DataPlane, instancePaths } from '../../controlplane/dataplane/index.ts';
import { repository } from '../lab/library/repository.ts';

DataPlane.preload(`${repository}/build/xdp/headrace.bpf.o`, instancePaths(process.argv[2] ?? ''), {});
