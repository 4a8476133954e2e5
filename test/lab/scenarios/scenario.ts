/** What a scenario is, and how two outcomes of it are judged. */
import type { World } from './world.ts';

/** What became of the traffic, in one of the two worlds. */
export interface Outcome {
  /** What must be the same, in words: who forwards, what was let through, whether packets were lost. */
  readonly verdict: string;
  /** How long things took, in milliseconds, by what they are. */
  readonly times?: Readonly<Record<string, number>>;
}

export interface Scenario {
  readonly name: string;
  /** What happens, in a sentence. */
  readonly what: string;
  /** Of Headrace's configuration: keys of `dataplane`. */
  readonly dataplane?: object;
  /** GRO at the ports' far ends, so that XDP transmits there. Default true. */
  readonly gro?: boolean;
  /** How much later than the kernel Headrace may be, in milliseconds. Default 10 000, what its guide promises. */
  readonly laterMs?: number;
  /** Where the operator chose something else than the kernel does: the verdict that follows, and the page that says so. */
  readonly documented?: { readonly verdict: string; readonly page: string };
  readonly run: (world: World) => Promise<Outcome>;
}

export type Judgement = 'same' | 'documented difference' | 'DIFFERENT';

export interface Comparison {
  readonly scenario: Scenario;
  readonly kernel: Outcome;
  readonly headrace: Outcome;
  readonly judgement: Judgement;
}

/** Compares by verdict and by times. A documented difference must be there: that it is gone is a difference, too. */
export function judge(scenario: Scenario, kernel: Outcome, headrace: Outcome): Judgement {
  const later = scenario.laterMs ?? 10_000;
  const late = Object.entries(headrace.times ?? {}).some(
    ([name, ms]) => !(ms <= (kernel.times?.[name] ?? Number.NaN) + later),
  );
  if (late) return 'DIFFERENT';
  if (scenario.documented)
    return headrace.verdict === scenario.documented.verdict && kernel.verdict !== headrace.verdict
      ? 'documented difference'
      : 'DIFFERENT';
  return kernel.verdict === headrace.verdict ? 'same' : 'DIFFERENT';
}

/** One line. */
export function comparisonText({ scenario, kernel, headrace, judgement }: Comparison): string {
  const page = judgement === 'documented difference' ? ` (${scenario.documented?.page})` : '';
  return `${scenario.name}: kernel: ${outcomeText(kernel)} | Headrace: ${outcomeText(headrace)} | ${judgement}${page}`;
}

function outcomeText({ verdict, times }: Outcome): string {
  const measured = Object.entries(times ?? {}).map(([name, ms]) => `${name} ${Math.round(ms)} ms`);
  return [verdict, ...measured].join(', ');
}
