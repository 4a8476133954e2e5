/** docs/reference/doctor.md, from the checks themselves. */
import { checks } from './checks/index.ts';

export function doctorReference(): string {
  return `# What \`headrace doctor\` looks at

<!-- Generated from appliance/doctor/checks by appliance/cli/reference.ts: change it there. -->

Each finding has a verdict: **fail** does not work, **warn** is slow or a risk, **note** is worth knowing, **unknown**
could not be learned, **ok**. The exit status is 1 when there is a warn or a fail, and 0 otherwise. The commands that
mend set things until the next boot; to keep a sysctl, write it to a file in \`/etc/sysctl.d\`.

| check | why it matters |
| --- | --- |
${checks.map(({ name, why }) => `| \`${name}\` | ${why} |`).join('\n')}
`;
}
