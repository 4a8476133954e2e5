/**
 * Helper or mirror? The mirror wins nothing worth its memory on a small table, and nothing at all where policy rules
 * send packets past the main table. A table that shrinks keeps its mirror down to half the size that brought it, so
 * that a flapping session does not switch programs.
 */
export type FibConfig = 'auto' | 'helper' | 'mirror';

/** Routes of the main table, of either family, that make the mirror worth it. */
export const worthwhileRoutes = 10_000;

export interface Choice {
  readonly mode: 'helper' | 'mirror';
  readonly why: string;
}

export interface ChoiceInput {
  readonly configured: FibConfig;
  readonly current: 'helper' | 'mirror';
  /** Routes of the main table, both families; counted no further than worthwhileRoutes. */
  readonly routes: number;
  /** Rules that keep the mirror out, by family; undefined: none. */
  readonly rules: { readonly 4: string | undefined; readonly 6: string | undefined };
}

export function choose({ configured, current, routes, rules }: ChoiceInput): Choice {
  if (configured !== 'auto') return { mode: configured, why: 'configured' };
  if (rules[4] !== undefined && rules[6] !== undefined)
    return { mode: 'helper', why: `policy rules are the kernel's: ${rules[4]}, ${rules[6]}` };
  const enough = current === 'mirror' ? worthwhileRoutes / 2 : worthwhileRoutes;
  if (routes >= enough) return { mode: 'mirror', why: `the main table has ${enough} routes or more` };
  return { mode: 'helper', why: `the main table has ${routes} routes, and the mirror pays from ${enough} on` };
}
