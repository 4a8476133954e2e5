/**
 * What every answer says to a browser: take nothing from elsewhere, run nothing that is not ours, let nobody frame,
 * embed or keep this. And which names this server answers to: a page of a stranger whose name is made to point here
 * (DNS rebinding) sends its own name as Host.
 */
import { isIP } from 'node:net';
import type { MiddlewareHandler } from 'hono';

const headers: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cache-control': 'no-store',
};

export const strictHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  for (const [name, value] of Object.entries(headers)) context.res.headers.set(name, value);
};

/** Refuses a request whose Host is neither an address, localhost, nor one of `names`. */
export function knownHosts(names: readonly string[]): MiddlewareHandler {
  const known = lowerCase(names);
  return async (context, next) => {
    const host = hostOf(context.req.header('host'));
    return isKnown(host, known) ? next() : context.text(strangeHost(host, 'web.names'), 421);
  };
}

export function lowerCase(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.toLowerCase()));
}

/** Is it an address, localhost, or one of `names`, which are in lower case? */
export function isKnown(host: string | undefined, names: ReadonlySet<string>): boolean {
  return host !== undefined && (isIP(host) !== 0 || host === 'localhost' || names.has(host));
}

/** What is said to who asks for another. @param option where it can be made known */
export function strangeHost(host: string | undefined, option: string): string {
  return `This box does not answer to the name "${host ?? ''}": use its address, or add the name to ${option}.\n`;
}

/** The name or address of a Host header, without the port; undefined when there is none or it is not well-formed. */
export function hostOf(header: string | undefined): string | undefined {
  const found = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s/@]+))(?::\d{1,5})?$/i.exec(header ?? '');
  return (found?.[1] ?? found?.[2])?.toLowerCase();
}
