/** The report as text: a line for each class, and every unexplained difference decoded. */
import { ports } from './boxes.ts';
import type { Departure } from './compare.ts';
import { describe } from './frame.ts';
import type { Mismatch, Report } from './run.ts';

const mostMismatches = 20;

function lines(title: string, departures: readonly Departure[]): string[] {
  if (departures.length === 0) return [];
  return departures.slice(0, 6).map(({ port, frame }) => `    ${title} ${ports[port]!.name}: ${describe(frame)}`);
}

function mismatchText({ className, id, sent, onlyKernel, onlyHeadrace }: Mismatch): string {
  const head = `  ${className}, packet ${id}`;
  const arrived = sent ? [`    in            ${ports[sent.port]!.name}: ${describe(Buffer.from(sent.frame))}`] : [];
  return [head, ...arrived, ...lines('kernel only  ', onlyKernel), ...lines('Headrace only', onlyHeadrace)].join('\n');
}

/** Text for a terminal, several lines. */
export function reportText(report: Report): string {
  const row = (...cells: readonly (string | number)[]): string =>
    `${String(cells[0]).padEnd(24)}${cells
      .slice(1)
      .map((cell) => String(cell).padStart(11))
      .join('')}`;
  const text = [row('class', 'sent', 'same', 'explained', 'different', 'fast path')];
  for (const { name, sent, same, explained, different, fast } of report.classes)
    text.push(row(name, sent, same, explained, different, fast));
  text.push(`fast path took ${(100 * report.fastShare).toFixed(1)} % of plainly forwardable packets`);
  text.push(`counted: ${[...report.reasons].map(([reason, packets]) => `${reason} ${packets}`).join(', ')}`);
  for (const [reason, count] of report.explained) text.push(`explained ${count} times: ${reason}`);
  if (report.mismatches.length > 0) text.push(`${report.mismatches.length} packets with unexplained differences:`);
  text.push(...report.mismatches.slice(0, mostMismatches).map(mismatchText));
  return text.join('\n');
}
