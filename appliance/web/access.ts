/**
 * Who may look. On a loopback address everybody on this machine may. On any other a token is needed: in a header for
 * programs, or once in a login form for a browser, which then holds a cookie that is made from the token and is not it.
 * Nothing of it is kept here: a new token ends every login. Wrong ones are told, and not looked at without end, in
 * whatever way they come: a cookie can be made from a guess as well.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { WrongTokens } from './wrong-tokens.ts';

const COOKIE = 'headrace';
const COOKIE_SECONDS = 30 * 86_400;
const TOKEN_LENGTH = 16;

/** How a token comes. */
export type TokenWay = 'login form' | 'header' | 'cookie';

export type Judgement = 'right' | 'wrong' | 'wait';

export class Access {
  readonly #token: string | undefined;
  readonly #wrongTokens: WrongTokens;
  readonly #refused: (client: string, way: TokenWay) => void;

  /**
   * @param token undefined: everybody may look
   * @param refused hears of every wrong token that was looked at
   */
  constructor(
    token: string | undefined,
    refused: (client: string, way: TokenWay) => void,
    wrongTokens = new WrongTokens(),
  ) {
    this.#token = token;
    this.#refused = refused;
    this.#wrongTokens = wrongTokens;
  }

  get needsToken(): boolean {
    return this.#token !== undefined;
  }

  /** Lets pass who may look; sends a browser to the login form and tells a program what is missing. */
  get guard(): MiddlewareHandler {
    return async (context, next) => {
      if (this.#token === undefined) return next();
      const judgement = this.#mayLook(context, this.#token);
      if (judgement === 'right') return next();
      if (judgement === 'wait') return toldToWait(context);
      if (context.req.header('accept')?.includes('text/html')) return context.redirect('/login', 303);
      context.header('www-authenticate', 'Bearer realm="headrace"');
      return context.json({ error: 'a token is needed: send "Authorization: Bearer TOKEN"' }, 401);
    };
  }

  /** @returns what the token was; if it was right, the answer carries the cookie. */
  login(context: Context, offered: string): Judgement {
    if (this.#token === undefined) return 'wrong';
    const judgement = this.#judge(context, 'login form', offered, this.#token);
    if (judgement === 'right')
      setCookie(context, COOKIE, cookieOf(this.#token), {
        httpOnly: true,
        sameSite: 'Strict',
        path: '/',
        maxAge: COOKIE_SECONDS,
        secure: context.req.header('x-forwarded-proto') === 'https',
      });
    return judgement;
  }

  #mayLook(context: Context, token: string): Judgement {
    const offered = /^Bearer (\S+)$/i.exec(context.req.header('authorization') ?? '')?.[1];
    if (offered !== undefined) return this.#judge(context, 'header', offered, token);
    const cookie = getCookie(context, COOKIE);
    // Who offers nothing guesses nothing.
    return cookie === undefined ? 'wrong' : this.#judge(context, 'cookie', cookie, cookieOf(token));
  }

  #judge(context: Context, way: TokenWay, offered: string, expected: string): Judgement {
    const client = context.env?.incoming?.socket?.remoteAddress ?? 'an unknown address';
    if (this.#wrongTokens.mustWait(client)) return 'wait';
    if (same(offered, expected)) return 'right';
    this.#wrongTokens.add(client);
    this.#refused(client, way);
    return 'wrong';
  }
}

/** The answer to who has sent too many wrong tokens. */
export function toldToWait(context: Context): Response {
  context.header('retry-after', '1');
  return context.text('Too many wrong tokens: wait a second.\n', 429);
}

function cookieOf(token: string): string {
  return createHmac('sha256', token).update('headrace live page').digest('base64url');
}

/** Compares in a time that tells nothing. */
function same(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}

/** May only this machine connect to the address? */
export function isLoopback(address: string): boolean {
  return isIP(address) === 4 ? address.startsWith('127.') : address === '::1';
}

/** Reads a token that only its owner may read. @throws Error that says what to do. */
export function readToken(file: string): string {
  let text: string;
  let mode: number;
  try {
    mode = statSync(file).mode;
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `read web.token_file: ${reason}; make one: (umask 077; openssl rand -hex 24 > ${file}), and where the daemon has a user of its own, give it to that user: chown headrace: ${file}`,
      { cause: error },
    );
  }
  if ((mode & 0o077) !== 0)
    throw new Error(`web.token_file ${file} can be read by others than its owner: chmod 600 ${file}`);
  if (text.length < TOKEN_LENGTH || /\s/.test(text))
    throw new Error(
      `web.token_file ${file} must hold one word of at least ${TOKEN_LENGTH} characters: openssl rand -hex 24 > ${file}`,
    );
  return text;
}
