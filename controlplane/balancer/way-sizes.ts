/**
 * Have the ways to backends room for what clients send, once a tunnel's headers stand before it?
 *
 * A TCP client is told which size fits, and keeps to it. Two kinds of packets are not helped by that: datagrams that are
 * cut up, where the service drops fragments; and IPv6 packets of up to 1280 bytes, which nobody makes smaller (RFC 8200 5).
 */
import { parseIp } from '../netlink/ip-address.ts';
import type { BalancerSpec, ForwardMode, ServiceSpec } from './model.ts';

const ETHERNET = 1500;
const IPV6_LEAST = 1280;

/** Bytes before a packet on its way to an address. */
export function overheadOf(mode: ForwardMode, address: string): number {
  const ip = parseIp(address)?.family === 6 ? 40 : 20;
  return mode === 'ipip' ? ip : mode === 'gue' ? ip + 8 : 0;
}

/**
 * Services whose clients lose packets so, with what to do; for people.
 * @param mtuOf of the way to an address; 0 or undefined: not known
 */
export function narrowWays(spec: BalancerSpec, mtuOf: (address: string) => number | undefined): string[] {
  return spec.services.flatMap((service) => {
    const narrowest = narrowestWay(spec, service, mtuOf);
    if (!narrowest) return [];
    const { name, fragments, frontends } = service;
    const { backend, room, overhead } = narrowest;
    if (room < IPV6_LEAST && frontends.some(({ vip }) => vip.includes(':')))
      return [
        `service ${name}: the way to ${backend} has room for ${room} bytes, and IPv6 clients send ${IPV6_LEAST} whatever they are told: give it an MTU of ${IPV6_LEAST + overhead} at least`,
      ];
    if (room < ETHERNET && fragments === 'drop' && frontends.some(({ protocol }) => protocol !== 'tcp'))
      return [
        `service ${name}: the way to ${backend} has room for ${room} bytes, and fragments are dropped, so longer datagrams are lost: give it an MTU of ${ETHERNET + overhead}, or say fragments: track`,
      ];
    return [];
  });
}

function narrowestWay(spec: BalancerSpec, { pool, mode }: ServiceSpec, mtuOf: (address: string) => number | undefined) {
  const ways = (spec.pools.find(({ name }) => name === pool)?.backends ?? []).flatMap(({ name, address }) => {
    const mtu = mtuOf(address);
    const overhead = overheadOf(mode, address);
    return mtu && overhead > 0 ? [{ backend: `${pool}/${name}`, room: mtu - overhead, overhead }] : [];
  });
  return ways.sort((a, b) => a.room - b.room)[0];
}
