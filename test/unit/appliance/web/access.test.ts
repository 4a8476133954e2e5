/** Wrong tokens: told, and not looked at without end, in whatever way they come. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Access } from '../../../../appliance/web/access.ts';
import { createApp } from '../../../../appliance/web/app.ts';
import type { Asset } from '../../../../appliance/web/assets.ts';
import { WrongTokens } from '../../../../appliance/web/wrong-tokens.ts';

const place = '<script id="first" type="application/json"></script>';
const token = 'correct-horse-battery-staple';

let now = 0;
let refused: string[] = [];
let app: ReturnType<typeof createApp>;
beforeEach(() => {
  now = 5_000;
  refused = [];
  const access = new Access(token, (client, way) => refused.push(`${client} ${way}`), new WrongTokens(() => now));
  app = createApp({
    status: () => '{}',
    snapshot: () => '{}',
    history: () => '[]',
    hub: {} as never,
    access,
    assets: new Map([['/', { type: 'text/html', plain: Buffer.from(place), gzip: Buffer.alloc(0) } as Asset]]),
    names: [],
  });
});

/** Status of the answer. */
async function ask(client: string, init: RequestInit, path = '/api/status'): Promise<number> {
  const headers = { host: '192.0.2.1', ...init.headers };
  const env = { incoming: { socket: { remoteAddress: client } } };
  return (await app.request(path, { ...init, headers }, env as never)).status;
}

const bearer = (client: string, word = token): Promise<number> =>
  ask(client, { headers: { authorization: `Bearer ${word}` } });
const login = (client: string, word: string): Promise<number> =>
  ask(client, { method: 'POST', body: new URLSearchParams({ token: word }) }, '/login');
const cookie = (client: string): Promise<number> => ask(client, { headers: { cookie: 'headrace=guessed' } });

describe('Access', () => {
  it('looks at three wrong tokens a second, in whatever way they come, and tells of each', async () => {
    const a = '10.0.0.1';
    expect([await bearer(a, 'x'), await login(a, 'y'), await cookie(a)]).toEqual([401, 303, 401]);
    expect(refused).toEqual([`${a} header`, `${a} login form`, `${a} cookie`]);
    expect([await bearer(a, 'x'), await login(a, 'y'), await cookie(a), await bearer(a)]).toEqual([429, 429, 429, 429]);
    expect(refused).toHaveLength(3);
    now += 1000;
    expect([await bearer(a), await login(a, token)]).toEqual([200, 303]);
  });

  it('lets nobody wait for the mistakes of others, or for right tokens', async () => {
    for (let i = 0; i < 5; i++) await bearer('10.0.0.1', 'x');
    for (let i = 0; i < 10; i++) expect(await bearer('10.0.0.2')).toBe(200);
  });

  it('counts nothing for who offers nothing', async () => {
    for (let i = 0; i < 10; i++) expect(await ask('10.0.0.1', {})).toBe(401);
    expect([refused, await bearer('10.0.0.1')]).toEqual([[], 200]);
  });
});

describe('WrongTokens', () => {
  it.each([
    ['2001:db8:0:1::1', '2001:db8::1:0:0:0:2', true],
    ['2001:db8:0:1::1', '2001:db8:0:2::1', false],
    ['::1', '::2', true],
    ['fe80::1%eth0', 'fe80::2%eth0', true],
    ['10.0.0.1', '10.0.0.2', false],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.2', false],
  ])('takes %s and %s for one client: %s', (one, other, same) => {
    const tokens = new WrongTokens(() => 0);
    for (let i = 0; i < 3; i++) tokens.add(one);
    expect([tokens.mustWait(one), tokens.mustWait(other)]).toEqual([true, same]);
  });
});
