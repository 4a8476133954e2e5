// Imports point inward only: the control plane knows nothing of the appliance, monitoring knows only state, and only
// the tests know everything. Run by scripts/lint.sh; prints each import that points outward and exits 1.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** For each top-level folder, the folders it may import from besides itself. */
const allowed = {
  controlplane: [],
  monitoring: ['controlplane'],
  appliance: ['controlplane', 'monitoring', 'test'],
  test: ['controlplane', 'monitoring', 'appliance'],
};
/** The only part of the appliance that may use the lab: the demo is a lab that a person watches. */
const labUsers = 'appliance/demo/';

const offences = [];
for (const [folder, others] of Object.entries(allowed)) {
  for (const name of readdirSync(folder, { recursive: true })) {
    const file = path.join(folder, name);
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(file, 'utf8');
    for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
      const target = path.join(path.dirname(file), specifier);
      const top = target.split(path.sep)[0];
      const inward = top === folder || others.includes(top);
      const lab = top === 'test' && folder === 'appliance' && !file.startsWith(labUsers);
      if (!inward || lab) offences.push(`${file}: imports ${specifier}, which points outward`);
    }
  }
}
if (offences.length > 0) {
  console.error(offences.join('\n'));
  process.exitCode = 1;
}
