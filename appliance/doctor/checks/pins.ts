/** Who can reach the pinned programs and maps? */
import { type Check, ok, system, unknown } from '../check.ts';

export const pins: Check = {
  name: 'pins',
  why: 'Whoever can open a pinned link or map can replace the program or rewrite the tables: the kernel asks for no privilege. The permissions of the mount are the whole protection.',
  examine({ bpffs, daemon }) {
    if (!bpffs) return [unknown(system, 'nothing is mounted for pins yet: the first start does it')];
    const { path, mode, owner } = bpffs;
    if (mode & 0o077)
      return [
        {
          subject: system,
          verdict: 'fail',
          says: `${path} is open to others (mode ${(mode & 0o777).toString(8)})`,
          mend: `chmod 700 ${path}`,
        },
      ];
    if (daemon && daemon.user !== null && daemon.user !== 0 && owner !== daemon.user)
      return [
        {
          subject: system,
          verdict: 'fail',
          says: `${path} belongs to user ${owner}, and the daemon runs as user ${daemon.user}`,
          mend: `chown ${daemon.user} ${path}`,
        },
      ];
    return [ok(system, `${path} is its owner's alone`)];
  },
};
