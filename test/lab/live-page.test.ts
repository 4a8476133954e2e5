/** The live page in a real browser, against a real daemon under traffic. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser } from './library/browser.ts';
import { ends, type Headrace, headrace, Lab, type RoutedPair, routedPair, Stream, until } from './library/index.ts';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const url = 'http://127.0.0.1:9470/';
const token = 'correct-horse-battery-staple';

describe('the live page', () => {
  let lab: Lab;
  let pair: RoutedPair;
  let box: Headrace;
  let browser: Browser;
  let stream: Stream;
  const config = (web: object): object => ({ version: 1, dataplane: { interfaces: [{ match: 'p*' }] }, web });

  beforeAll(async () => {
    lab = new Lab('live');
    pair = routedPair(lab);
    box = await headrace(pair.box, config({ names: ['box.test'] }));
    stream = await Stream.start(pair.client, pair.server, { ...ends[4], rate: 500 });
    browser = await openBrowser(pair.box);
  });
  afterAll(async () => {
    await browser?.close();
    await stream?.stop();
    lab?.cleanup();
  });

  const curl = (...words: readonly string[]): string =>
    pair.box.exec(['curl', '-sS', '--max-time', '5', '-i', ...words]).stdout;
  const json = (path: string): Record<string, unknown> =>
    JSON.parse(pair.box.exec(['curl', '-sS', '--max-time', '5', `${url}${path}`]).stdout);

  /** A page that has shown its first snapshot, and what its browser complained of. */
  async function open(scheme: 'light' | 'dark' = 'light'): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 1000 }, colorScheme: scheme });
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(url);
    await page.waitForSelector('body.ready');
    return { page, complaints };
  }

  it('is served with strict headers, to names it knows only', () => {
    const page = curl(url);
    expect(page).toMatch(/^HTTP\/1.1 200/);
    for (const header of [
      /content-security-policy: default-src 'none'; .*frame-ancestors 'none'/i,
      /x-content-type-options: nosniff/i,
      /cache-control: no-store/i,
    ])
      expect(page).toMatch(header);
    expect(curl('-H', 'Host: box.test:9470', url)).toMatch(/^HTTP\/1.1 200/);
    const stranger = curl('-H', 'Host: evil.example:9470', `${url}api/status`);
    expect(stranger).toMatch(/^HTTP\/1.1 421/);
    expect(stranger).toContain('web.names');
    expect(curl('-X', 'POST', `${url}api/status`)).toMatch(/^HTTP\/1.1 404/);
    expect(curl('--path-as-is', `${url}../package.json`)).toMatch(/^HTTP\/1.1 404/);
  });

  it('tells the same as the daemon', async () => {
    expect(json('api/status')).toMatchObject({ instance: 'box', running: true });
    await until('traffic in the snapshot', () => {
      const { traffic, interfaces } = json('api/snapshot') as {
        traffic: { fast: { packets: number } };
        interfaces: Record<string, { in: { fast: { packets: number } } }>;
      };
      return traffic.fast.packets > 0 && (interfaces['p0']?.in.fast.packets ?? 0) > 0;
    });
  });

  it('shows the traffic, small, from this box only, and without a complaint', async () => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    const sizes: Promise<number>[] = [];
    const origins = new Set<string>();
    page.on('console', (message) => void complaints.push(message.text()));
    page.on('pageerror', (error) => void complaints.push(error.message));
    page.on('requestfinished', (request) =>
      sizes.push(
        request.sizes().then(({ responseBodySize, responseHeadersSize }) => responseBodySize + responseHeadersSize),
      ),
    );
    page.on('request', (request) => origins.add(new URL(request.url()).origin));
    await page.goto(url);
    await page.waitForSelector('body.ready');
    const readyMs = await page.evaluate('Math.round(performance.now())');
    await until('packets on the fast path', async () =>
      /^[1-9]/.test((await page.textContent('.figure.fast .number')) ?? ''),
    );
    await until('a band from p0', async () => (await page.locator('.band.fast').count()) > 0);
    expect(await page.getAttribute('#picture svg', 'aria-label')).toMatch(/Fast path [1-9]/);
    expect([...origins]).toEqual(['http://127.0.0.1:9470']);
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    console.log(`live page: ${bytes} bytes, shown after ${readyMs} ms`);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(150_000);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it.each(['light', 'dark'] as const)('has no serious accessibility issue (%s)', async (scheme) => {
    const { page } = await open(scheme);
    await page.click('#picture-table > summary');
    await page.evaluate(axeSource);
    const results = await page.evaluate(() =>
      (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
    );
    const serious = results.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
    expect(results.passes.length).toBeGreaterThan(10);
    await page.close();
  });

  it('can be walked by keyboard', async () => {
    const { page } = await open();
    const focused = (): Promise<string> =>
      page.evaluate(
        "((e) => [e.tagName.toLowerCase(), '#', e.id, ' ', (e.textContent ?? '').trim().slice(0, 30)].join(''))(document.activeElement)",
      );
    await page.keyboard.press('Tab');
    expect(await focused()).toContain('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await focused()).toMatch(/^main#main/);
    await page.keyboard.press('Tab');
    expect(await focused()).toContain('The same as a table');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#picture-table[open]');
    const walked: string[] = [];
    for (let i = 0; i < 10; i++) {
      await page.keyboard.press('Tab');
      walked.push(await focused());
    }
    expect(walked.some((element) => element.startsWith('div'))).toBe(true);
    await page.close();
  });

  it('holds still for who wants no motion', async () => {
    const page = await browser.newPage({ reducedMotion: 'reduce' });
    await page.goto(url);
    await until('a band', async () => (await page.locator('.band .stream').count()) > 0);
    expect(await page.evaluate("getComputedStyle(document.querySelector('.band .stream')).animationName")).toBe('none');
    await page.close();
  });

  it('tells what happens as it happens', async () => {
    const { page } = await open();
    pair.box.sysctl('net.ipv4.ip_forward', 0);
    await page.waitForSelector('#troubles:not([hidden]) >> text=ip_forward is 0');
    await page.waitForSelector('#events li >> text=ip_forward is 0');
    pair.box.sysctl('net.ipv4.ip_forward', 1);
    await page.waitForSelector('#troubles', { state: 'hidden' });
    await page.close();
  });

  it('survives a restart of the daemon, and says so', async () => {
    const { page } = await open();
    await box.stop();
    await page.waitForSelector('#connection >> text=no answer');
    expect(await page.evaluate("document.body.classList.contains('stale')")).toBe(true);
    await box.start();
    await page.waitForSelector('#connection >> text=the daemon was restarted');
    expect(await page.evaluate("document.body.classList.contains('stale')")).toBe(false);
    await page.close();
  });

  it('asks for a token on an address others can reach', async () => {
    const file = `${pair.box.folder}/token`;
    const reload = (web: object): void => {
      box.configure(config(web));
      process.kill(box.process.pid, 'SIGHUP');
    };
    reload({ listen: '10.0.1.1:9470' });
    await until('the refusal', () => box.process.stderr.includes('web.token_file is needed'));
    writeFileSync(file, `${token}\n`, { mode: 0o644 });
    reload({ listen: '10.0.1.1:9470', token_file: file });
    await until('the refusal', () => box.process.stderr.includes('chmod 600'));
    expect(curl(`${url}api/status`)).toMatch(/^HTTP\/1.1 200/);

    pair.box.exec(['chmod', '600', file]);
    reload({ listen: '10.0.1.1:9470', token_file: file });
    const wide = 'http://10.0.1.1:9470/';
    const status = (...words: readonly string[]): string =>
      pair.client.exec(['curl', '-sS', '--max-time', '5', '-i', ...words], { mayFail: true }).stdout.slice(0, 12);
    await until('the page to ask', () => status(`${wide}api/status`) === 'HTTP/1.1 401');
    for (const path of ['', 'api/events', 'api/snapshot', 'page.js'])
      expect(status(`${wide}${path}`)).toBe('HTTP/1.1 401');
    expect(status('-H', `Authorization: Bearer ${token}x`, `${wide}api/status`)).toBe('HTTP/1.1 401');
    expect(status('-H', `Authorization: Bearer ${token}`, `${wide}api/status`)).toBe('HTTP/1.1 200');

    const visitor = await browser.newPage();
    await visitor.goto(wide);
    expect(new URL(visitor.url()).pathname).toBe('/login');
    await visitor.fill('#token', 'a wrong one');
    await visitor.click('button');
    await visitor.waitForSelector('#wrong:not([hidden])');
    await until('the event', () => box.process.stderr.includes('web_login_refused'));
    await visitor.goto(`${wide}login#${token}`);
    await visitor.waitForSelector('body.ready');
    expect(await visitor.evaluate('document.cookie')).toBe('');
    await visitor.close();
  });
});
