import { expect, it } from 'vitest';
import { isLoopback } from '../../../../appliance/web/access.ts';
import { hostOf } from '../../../../appliance/web/headers.ts';

it.each([
  ['127.0.0.1:9470', '127.0.0.1'],
  ['[::1]:9470', '::1'],
  ['Edge1.Example:80', 'edge1.example'],
  ['localhost', 'localhost'],
  ['', undefined],
  [undefined, undefined],
  ['a:b:c', undefined],
  ['evil.example@127.0.0.1', undefined],
  ['127.0.0.1:9470 evil', undefined],
])('hostOf(%j) is %j', (header, host) => {
  expect(hostOf(header)).toBe(host);
});

it('isLoopback() knows which addresses stay on this machine', () => {
  for (const address of ['127.0.0.1', '127.8.9.1', '::1']) expect(isLoopback(address)).toBe(true);
  for (const address of ['0.0.0.0', '::', '10.0.0.1', '::ffff:127.0.0.1', 'localhost'])
    expect(isLoopback(address)).toBe(false);
});
