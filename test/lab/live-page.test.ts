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
  let page: Page;
  let away = false;
  /** What the browser said of the page, in all stories. */
  const complaints: string[] = [];
  const config = (web: object): object => ({ version: 1, dataplane: { interfaces: [{ match: 'p*' }] }, web });

  beforeAll(async () => {
    lab = new Lab('live');
    pair = routedPair(lab);
    [box, stream, browser] = await Promise.all([
      headrace(pair.box, config({ names: ['box.test'] })),
      Stream.start(pair.client, pair.server, { ...ends[4], rate: 500 }),
      openBrowser(pair.box),
    ]);
    page = await browser.newPage({ viewport: { width: 1280, height: 1000 }, colorScheme: 'light' });
    page.on('console', (message) => {
      // While the daemon is away a browser says that it does not answer, and so does the page.
      if (!away && ['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
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

  /** Opens the page anew, until it has shown something. */
  async function open(): Promise<void> {
    await page.goto(url);
    await page.waitForSelector('body.ready');
  }

  it('is served with strict headers, to names it knows only', () => {
    const page = curl(url);
    expect(page).toMatch(/^HTTP\/1.1 200/);
    // What it shows first comes with it.
    expect(page).toMatch(/<script id="first" type="application\/json">\{"snapshot":\{"at":\d+,/);
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
    const sizes: Promise<number>[] = [];
    const origins = new Set<string>();
    page.on('requestfinished', (request) =>
      sizes.push(
        request.sizes().then(({ responseBodySize, responseHeadersSize }) => responseBodySize + responseHeadersSize),
      ),
    );
    page.on('request', (request) => origins.add(new URL(request.url()).origin));
    await open();
    // By the browser's own timeline: from the navigation on, without the time to start the browser or a tab.
    const shownMs = await page.evaluate("Math.round(performance.getEntriesByName('shown')[0].startTime)");
    await until('packets on the fast path', async () =>
      /^[1-9]/.test((await page.textContent('.figure.fast .number')) ?? ''),
    );
    await until('a band from p0', async () => (await page.locator('.band.fast').count()) > 0);
    expect(await page.getAttribute('#picture svg', 'aria-label')).toMatch(/Fast path [1-9]/);
    expect([...origins]).toEqual(['http://127.0.0.1:9470']);
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    console.log(`live page: ${bytes} bytes, shown ${shownMs} ms after the navigation began`);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(150_000);
    page.removeAllListeners('requestfinished');
    page.removeAllListeners('request');
  });

  it('has no serious accessibility issue, in light and in dark', async () => {
    await page.click('#picture-table > summary');
    await page.evaluate(axeSource);
    const check = async (rules?: readonly string[]): Promise<void> => {
      const results = await page.evaluate(
        (runOnly) =>
          (globalThis as unknown as { axe: { run(options: object): Promise<AxeResults> } }).axe.run(
            runOnly ? { runOnly } : {},
          ),
        rules,
      );
      const serious = results.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
      expect(results.passes.length).toBeGreaterThan(rules ? 0 : 10);
    };
    await check();
    // The same elements in other colors: only what is about colors can differ.
    await page.emulateMedia({ colorScheme: 'dark' });
    await check(['color-contrast', 'link-in-text-block']);
  });

  it('can be walked by keyboard', async () => {
    await open();
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
  });

  it('holds still for who wants no motion', async () => {
    const animation = (): Promise<string> =>
      page.evaluate("getComputedStyle(document.querySelector('.band .stream')).animationName");
    await until('a band', async () => (await page.locator('.band .stream').count()) > 0);
    expect(await animation()).not.toBe('none');
    await page.emulateMedia({ reducedMotion: 'reduce' });
    expect(await animation()).toBe('none');
  });

  it('tells what happens as it happens', async () => {
    pair.box.sysctl('net.ipv4.ip_forward', 0);
    await page.waitForSelector('#troubles:not([hidden]) >> text=ip_forward is 0');
    await page.waitForSelector('#events li >> text=ip_forward is 0');
    pair.box.sysctl('net.ipv4.ip_forward', 1);
    await page.waitForSelector('#troubles', { state: 'hidden' });
  });

  it('survives a restart of the daemon, and says so', async () => {
    expect(complaints).toEqual([]);
    away = true;
    await box.stop();
    await page.waitForSelector('#connection >> text=no answer');
    expect(await page.evaluate("document.body.classList.contains('stale')")).toBe(true);
    await box.start();
    await page.waitForSelector('#connection >> text=the daemon was restarted');
    expect(await page.evaluate("document.body.classList.contains('stale')")).toBe(false);
    away = false;
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
    box.own(file);
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

    away = true;
    await page.goto(wide);
    expect(new URL(page.url()).pathname).toBe('/login');
    await page.fill('#token', 'a wrong one');
    await page.click('button');
    await page.waitForSelector('#wrong:not([hidden])');
    await until('the event', () => box.process.stderr.includes('web_login_refused'));
    await page.goto(`${wide}login#${token}`);
    await page.waitForSelector('body.ready');
    expect(await page.evaluate('document.cookie')).toBe('');
  });
});
