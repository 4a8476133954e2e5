/** Who may read the metrics, and how: names, methods, and that a stranger's page may not. */
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { MetricsServer } from '../../../appliance/daemon/metrics-server.ts';

const exporter = { contentType: 'text/plain; version=0.0.4', scrape: async () => ['a 1\n', 'b 2\n'] };

let server: MetricsServer | undefined;
afterEach(() => server?.close());

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

/** Asks the server at 127.0.0.1. */
async function started(host: string, names: readonly string[]) {
  const port = await freePort();
  server = new MetricsServer(new Map([['/metrics', exporter as never]]), `${host}:${port}`, names);
  await server.listen();
  return (name: string, method = 'GET', path = '/metrics') =>
    new Promise<{ status: number | undefined; text: string; length: string | undefined; sniff: unknown }>(
      (resolve, reject) => {
        const headers = { host: name, connection: 'close' };
        request({ host: '127.0.0.1', port, path, method, headers }, (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (more: string) => {
            text += more;
          });
          const { 'content-length': length, 'x-content-type-options': sniff } = answer.headers;
          answer.on('end', () => resolve({ status: answer.statusCode, text, length, sniff }));
        })
          .on('error', reject)
          .end();
      },
    );
}

describe('MetricsServer', () => {
  it('answers on loopback to addresses, localhost and its names, and to nobody else', async () => {
    const ask = await started('127.0.0.1', ['Edge.example']);
    for (const name of ['127.0.0.1:9469', 'localhost', '[::1]:9469', 'edge.EXAMPLE:80', '10.0.0.1'])
      expect(await ask(name)).toMatchObject({ status: 200, text: 'a 1\nb 2\n', sniff: 'nosniff' });
    const { status, text } = await ask('evil.example');
    expect([status, text]).toEqual([421, expect.stringContaining('metrics.names')]);
  });

  it('answers elsewhere to any name, unless some are given', async () => {
    const ask = await started('0.0.0.0', []);
    expect((await ask('any.example')).status).toBe(200);
    server!.show(new Map([['/metrics', exporter as never]]), ['edge.example']);
    expect([(await ask('any.example')).status, (await ask('edge.example')).status]).toEqual([421, 200]);
  });

  it('answers HEAD with the length alone, and takes nothing', async () => {
    const ask = await started('127.0.0.1', []);
    expect(await ask('localhost', 'HEAD')).toMatchObject({ status: 200, text: '', length: '8' });
    expect((await ask('localhost', 'POST')).status).toBe(405);
    expect((await ask('localhost', 'GET', '/')).status).toBe(404);
  });
});
