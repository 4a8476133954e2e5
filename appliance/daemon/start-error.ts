/** The daemon cannot start or take a configuration; the message says what to do. Nothing was changed. */
export class StartError extends Error {
  readonly code = 'START';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
  }
}
