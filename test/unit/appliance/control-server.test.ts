import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlServer } from '../../../appliance/daemon/control-server.ts';
import { RouteError } from '../../../appliance/daemon/part.ts';

describe('the control socket', () => {
  let folder: string;
  let server: ControlServer;

  beforeEach(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'headrace-control-'));
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    server = new ControlServer(path.join(folder, 'control.sock'), {
      'GET /status': () => ({ packets: 2n ** 60n }),
      'GET /circle': () => circle,
      'GET /refused': () => {
        throw new RouteError(409, 'not now');
      },
    });
    await server.listen();
  });
  afterEach(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  /** [status, body] of the answer. */
  const get = (target: string): Promise<readonly [number | undefined, unknown]> =>
    new Promise((resolve, reject) => {
      const asked = request({ socketPath: path.join(folder, 'control.sock'), path: target }, (response) => {
        let text = '';
        response.on('data', (part) => {
          text += part;
        });
        response.on('end', () => resolve([response.statusCode, JSON.parse(text)]));
      });
      asked.on('error', reject);
      asked.end();
    });

  it('answers', async () => {
    expect(await get('/status')).toEqual([200, { packets: String(2n ** 60n) }]);
    expect(await get('/nothing')).toEqual([404, { error: 'no such resource' }]);
    expect(await get('/refused')).toEqual([409, { error: 'not now' }]);
  });

  it.each(['//', '/\\', 'http://', '//[/'])('goes on after being asked for %s', async (target) => {
    expect((await get(target))[0]).toBe(400);
    expect((await get('/status'))[0]).toBe(200);
  });

  it('goes on after an answer that is no JSON', async () => {
    expect((await get('/circle'))[0]).toBe(500);
    expect((await get('/status'))[0]).toBe(200);
  });
});
