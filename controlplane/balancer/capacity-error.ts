/** More is wanted than the packet path has room for. Nothing was changed. */
export class CapacityError extends Error {
  readonly code = 'CAPACITY';

  constructor(message: string) {
    super(message);
    this.name = 'CapacityError';
  }
}
