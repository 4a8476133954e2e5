/** The live page and its API: read-only, and every path there is stands in this file. */
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { type Access, toldToWait } from './access.ts';
import type { Asset } from './assets.ts';
import type { EventHub } from './event-hub.ts';
import { FirstPage } from './first-page.ts';
import { knownHosts, strictHeaders } from './headers.ts';

export interface WebSources {
  /** JSON text. */
  readonly status: () => string;
  readonly snapshot: () => string;
  readonly history: () => string;
  readonly hub: EventHub;
  readonly access: Access;
  readonly assets: ReadonlyMap<string, Asset>;
  /** Names this server answers to, besides addresses and localhost. */
  readonly names: readonly string[];
}

export function createApp(sources: WebSources): Hono<{ Bindings: HttpBindings }> {
  const { access, assets, hub } = sources;
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(strictHeaders, knownHosts(sources.names));

  // What a browser needs before it has logged in.
  for (const name of ['/login.css', '/login.js']) serve(name);
  app.get('/login', (context) => {
    if (!access.needsToken) return context.redirect('/', 303);
    return send(context.req.header('accept-encoding'), '/login.html');
  });
  app.post('/login', bodyLimit({ maxSize: 4096 }), async (context) => {
    const { token } = await context.req.parseBody();
    const judgement = access.login(context, typeof token === 'string' ? token.trim() : '');
    if (judgement === 'wait') return toldToWait(context);
    return context.redirect(judgement === 'right' ? '/' : '/login?wrong', 303);
  });

  app.use(access.guard);
  app.get('/api/status', () => json(sources.status()));
  app.get('/api/snapshot', () => json(sources.snapshot()));
  app.get('/api/history', () => json(sources.history()));
  app.get('/api/events', (context) => {
    if (hub.full) {
      context.header('retry-after', '5');
      return context.json({ error: 'too many listen already: try again later' }, 503);
    }
    return context.body(hub.listen(), 200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
  });
  const page = new FirstPage(assets, () => hub.hello());
  for (const name of ['/', '/index.html'])
    app.get(name, async (context) => answer(context.req.header('accept-encoding'), await page.get()));
  for (const name of assets.keys()) serve(name);
  app.notFound((context) => context.json({ error: 'no such resource' }, 404));
  app.onError((error, context) => context.json({ error: error.message }, 500));
  return app;

  function serve(name: string): void {
    app.get(name, (context) => send(context.req.header('accept-encoding'), name));
  }

  function send(encodings: string | undefined, name: string): Response {
    const asset = assets.get(name);
    return asset ? answer(encodings, asset) : new Response('not found\n', { status: 404 });
  }

  function answer(encodings: string | undefined, asset: Asset): Response {
    const gzip = /\bgzip\b/.test(encodings ?? '');
    return new Response(new Uint8Array(gzip ? asset.gzip : asset.plain), {
      headers: { 'content-type': asset.type, vary: 'accept-encoding', ...(gzip ? { 'content-encoding': 'gzip' } : {}) },
    });
  }
}

function json(text: string): Response {
  return new Response(text, { headers: { 'content-type': 'application/json; charset=utf-8' } });
}
