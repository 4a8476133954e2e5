/** Something about a place in the configuration. An error in a service or pool sets that one aside. */
export interface Finding {
  readonly level: 'error' | 'warning';
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** What to do about it. */
  readonly hint: string | undefined;
}
