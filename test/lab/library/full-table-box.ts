/**
 * A router for large tables: an ingress `p9` and four ports `p0`…`p3`, each with gateways 10.0.N.1…16 and fd00:N::1…16
 * behind it that never answer: their MACs, 02:00:00:00:PORT:HOST, are known for good. Routes come in batches.
 */
import type { Host } from './host.ts';
import type { Lab } from './lab.ts';

export const gatewaysPerPort = 16;
export const fullTablePorts = [0, 1, 2, 3] as const;

export function gateway(port: number, host: number, family: 4 | 6 = 4): string {
  return family === 4 ? `10.0.${port}.${host}` : `fd00:${port}::${host.toString(16)}`;
}

export function gatewayMac(port: number, host: number): string {
  return `02:00:00:00:${two(port)}:${two(host)}`;
}

function two(value: number): string {
  return value.toString(16).padStart(2, '0');
}

/** @returns the box and the namespace that holds the far ends. */
export function fullTableBox(lab: Lab): { readonly box: Host; readonly far: Host } {
  const box = lab.host('box');
  const far = lab.host('far');
  far.sysctl('net.ipv6.conf.all.disable_ipv6', 1);
  far.sysctl('net.ipv6.conf.default.disable_ipv6', 1);
  for (const port of [...fullTablePorts, 9]) lab.link(box, `p${port}`, far, `f${port}`, { gro: true });
  box.forward();
  box.sysctl('net.ipv6.route.max_size', 2147483647);
  box.address('p9', '10.255.0.1/24', 'fd00:ff::1/64');
  for (const port of fullTablePorts) addressPort(box, port);
  return { box, far };
}

/** Addresses and gateways of a port: once more after it lost them. */
export function addressPort(box: Host, port: number): void {
  const hosts = Array.from({ length: gatewaysPerPort }, (_, i) => i + 1);
  ipBatch(box, [
    `address replace 10.0.${port}.254/24 dev p${port}`,
    `address replace fd00:${port}::fe/64 dev p${port} nodad`,
    ...hosts.flatMap((host) =>
      ([4, 6] as const).map(
        (family) =>
          `neighbor replace ${gateway(port, host, family)} lladdr ${gatewayMac(port, host)} dev p${port} nud permanent`,
      ),
    ),
  ]);
}

/** Runs `ip` commands in one process. */
export function ipBatch(host: Host, lines: readonly string[], mayFail = false): void {
  host.exec(['ip', ...(mayFail ? ['-force'] : []), '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
    timeoutMs: 300_000,
    mayFail,
  });
}
