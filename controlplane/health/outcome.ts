/**
 * What came of one check. `failure` and `timeout` speak against the backend. `error` is our own trouble (no descriptor,
 * no memory, not allowed): it says nothing about the backend and changes nothing, since a box short of descriptors must
 * not take its whole pool down.
 */
export type CheckResult = 'success' | 'failure' | 'timeout' | 'error';
export const checkResults: readonly CheckResult[] = ['success', 'failure', 'timeout', 'error'];

export interface Outcome {
  readonly result: CheckResult;
  /** For people: what was seen. */
  readonly detail: string;
}

export const success = (detail: string): Outcome => ({ result: 'success', detail });
export const failure = (detail: string): Outcome => ({ result: 'failure', detail });
export const timeout = (ms: number, waitingFor: string): Outcome => ({
  result: 'timeout',
  detail: `no ${waitingFor} within ${Math.round(ms)} ms`,
});

/** Errors that are this box's own. */
const ownTrouble: Readonly<Record<string, string>> = {
  EMFILE: 'this process has no file descriptor left: raise LimitNOFILE',
  ENFILE: 'this machine has no file descriptor left: raise fs.file-max',
  ENOBUFS: 'the kernel has no buffer left',
  ENOMEM: 'the kernel has no memory left',
  EACCES: 'not allowed',
  EPERM: 'not allowed: a firewall rule for outgoing packets, or a missing capability',
  EADDRNOTAVAIL: 'no local address or port to check from',
  EADDRINUSE: 'no local port left to check from',
  EAFNOSUPPORT: 'this machine has no such address family',
};

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  EPIPE: 'connection closed early',
  HPE_INVALID_CONSTANT: 'the answer is not HTTP',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another name',
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is signed by itself and not trusted: name it with ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate is signed by an authority that is not trusted: name it with ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate is signed by an authority that is not trusted: name it with ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate is signed by an authority that is not trusted: name it with ca',
};

/** What an error of a socket, of TLS or of HTTP says of the backend. */
export function fromError(error: unknown): Outcome {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const text = error instanceof Error ? error.message : String(error);
  const own = ownTrouble[code];
  if (own) return { result: 'error', detail: `${own} (${code})` };
  const known = words[code];
  // The name that the certificate has is what the operator wants to see.
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return failure(`${known}: ${altnames(text)} (${code})`);
  return failure(known ? `${known} (${code})` : code && !text.includes(code) ? `${text} (${code})` : text);
}

function altnames(message: string): string {
  return message.replace(/^Hostname\/IP does not match certificate's altnames: /, '').replace(/\.$/, '');
}
