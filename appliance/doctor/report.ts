/** Findings as a person reads them: what to do first, why once for each check, and a line that sums up. */
import { type Finding, type Verdict, verdictOrder } from './check.ts';

export function report(findings: readonly Finding[], all: boolean): string {
  const shown = findings.filter(({ verdict }) => all || (verdict !== 'ok' && verdict !== 'unknown'));
  const explained = new Set<string>();
  const width = Math.max(0, ...shown.map(({ subject }) => subject.length));
  const lines = shown.flatMap(({ check, subject, verdict, says, why, mend }) => {
    const found = [`${verdict.padEnd(7)}  ${subject.padEnd(width)}  ${check}: ${says}`];
    if (verdict === 'ok') return found;
    if (!explained.has(check)) found.push(...wrap(why).map((line) => `         ${line}`));
    explained.add(check);
    if (mend) found.push(`         mend: ${mend}`);
    return found;
  });
  const counts = verdictOrder
    .map((verdict): [Verdict, number] => [verdict, findings.filter((finding) => finding.verdict === verdict).length])
    .filter(([, count]) => count > 0)
    .map(([verdict, count]) => `${count} ${verdict}`);
  const more = all || findings.length === shown.length ? '' : '   (--all shows every one)';
  return [...lines, ...(lines.length > 0 ? [''] : []), `${counts.join(', ')}${more}`].join('\n');
}

function wrap(text: string, width = 100): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
