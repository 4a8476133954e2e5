/** Whether this kernel has what checks through the forwarding path need: programs on what comes in by an interface (tcx). */
import os from 'node:os';

export function canCarryChecks(release = os.release()): boolean {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 6);
}
