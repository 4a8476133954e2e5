/** `headrace check --bird FILE`: what in a bird.conf matters to the fast path, with lines and what to do. */
import { type AdviceContext, adviseBird } from '../../controlplane/routing/bird/advice.ts';
import { readBirdConfig } from '../../controlplane/routing/bird/config.ts';
import { type Diagnostic, diagnosticPosition, renderDiagnostic } from '../../controlplane/routing/bird/diagnostic.ts';
import { clip } from '../../controlplane/routing/bird/limits.ts';
import { lintBird } from '../../controlplane/routing/bird/lints.ts';
import { nodeFiles, readNamed } from '../../controlplane/routing/bird/node-files.ts';

/** How to check. */
export interface CheckBirdOptions {
  readonly json?: boolean;
  /** The version of BIRD the file is for, to say what that one refuses. Default: not judged. */
  readonly version?: string;
  readonly context?: AdviceContext;
}

/** The outcome: text for standard output and an exit code, 2 when the file has errors of syntax or cannot be read. */
export interface CheckBirdResult {
  readonly text: string;
  readonly exitCode: 0 | 2;
  readonly findings: readonly Diagnostic[];
}

/** More findings than this are counted and not shown: they are of a few kinds. */
const shown = 500;

/** Check a bird.conf. Never throws. */
export function checkBird(path: string, options: CheckBirdOptions = {}): CheckBirdResult {
  let source: string;
  try {
    source = readNamed(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return unreadable(`read ${path}: ${reason}`, options.json ?? false);
  }
  const config = readBirdConfig(path, source, nodeFiles);
  const broken = config.diagnostics.some(({ severity }) => severity === 'error');
  const findings = [
    ...config.diagnostics,
    ...(options.version === undefined ? [] : lintBird(config, options.version)),
    // Advice on half a file would mislead.
    ...(broken ? [] : adviseBird(config, options.context)),
  ];
  return { text: options.json ? json(findings) : render(path, findings), exitCode: broken ? 2 : 0, findings };
}

function render(path: string, findings: readonly Diagnostic[]): string {
  if (findings.length === 0) return `${path}: nothing to remark\n`;
  const count = (severity: string): number => findings.filter((finding) => finding.severity === severity).length;
  const summary = `${count('error')} errors, ${count('warning')} warnings, ${count('info')} notes`;
  const texts = findings.slice(0, shown).map((finding) => renderDiagnostic(short(finding)));
  if (findings.length > shown) texts.push(`and ${findings.length - shown} more`);
  return `${texts.join('\n\n')}\n\n${path}: ${summary}\n`;
}

/** Names and strings of a hostile file may be megabytes. */
function short(finding: Diagnostic): Diagnostic {
  const { message, hint } = finding;
  return { ...finding, message: clip(message, 400), ...(hint === undefined ? {} : { hint: clip(hint, 400) }) };
}

function json(findings: readonly Diagnostic[]): string {
  const plain = findings
    .slice(0, shown)
    .map(short)
    .map((finding) => ({
      code: finding.code,
      severity: finding.severity,
      message: finding.message,
      hint: finding.hint,
      ...diagnosticPosition(finding),
    }));
  return `${JSON.stringify(plain, null, 2)}\n`;
}

function unreadable(message: string, asJson: boolean): CheckBirdResult {
  const findings: Diagnostic[] = [{ code: 'unreadable', severity: 'error', message }];
  return { text: asJson ? json(findings) : `${message}\n`, exitCode: 2, findings };
}
