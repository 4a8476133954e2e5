/** Errors of talking to routing daemons. */

/** A daemon could not be asked, or refused to answer. */
export class DaemonError extends Error {
  /** `CONNECT`, `CLOSED`, `TIMEOUT`, `COMMAND` (the daemon refused the command) or `REPLY` (its answer makes no sense). */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DaemonError';
    this.code = code;
  }
}
