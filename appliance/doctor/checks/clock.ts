/** Is reading the clock cheap? */
import { type Check, ok, system, unknown } from '../check.ts';

const dear: ReadonlySet<string> = new Set(['hpet', 'acpi_pm', 'pit', 'refined-jiffies', 'jiffies']);

export const clock: Check = {
  name: 'clock',
  why: 'Health checks and rate limits read the clock often; hpet and acpi_pm cost a microsecond each time.',
  examine({ clocksource }) {
    if (clocksource === null) return [unknown(system, 'the clock source cannot be read')];
    if (!dear.has(clocksource)) return [ok(system, `clock source ${clocksource}`)];
    return [
      {
        subject: system,
        verdict: 'warn',
        says: `the clock source is ${clocksource}, which is slow to read`,
        mend: 'echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource',
      },
    ];
  },
};
