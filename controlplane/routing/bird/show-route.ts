/** Reading `show route`: a route's line gives network, kind, protocol and preference, lines below it the next hops. */
import type { ReplyLine } from './reply.ts';

/** One route. */
export interface BirdRoute {
  readonly network: string;
  /** `unicast`, `blackhole`, `unreachable`, … */
  readonly kind: string;
  readonly protocol: string;
  /** Whether it is the best of its network. */
  readonly primary: boolean;
  readonly preference: number | undefined;
  readonly nextHops: readonly { readonly via?: string; readonly dev?: string; readonly weight?: number }[];
}

/** Read the lines of an answer to `show route`. */
export function readRoutes(lines: readonly ReplyLine[]): BirdRoute[] {
  const routes: (BirdRoute & { nextHops: { via?: string; dev?: string; weight?: number }[] })[] = [];
  let network = '';
  for (const { code, text } of lines) {
    if (code !== 1007) continue;
    const head = /^(\S+)?\s+(?:\S+ )?(\w+) \[([^\s\]]+) [^\]]*\]\s*(\*)?\s*(?:\((\d+)[^)]*\))?/.exec(text);
    if (head) {
      // Further routes of a network leave its column blank.
      network = head[1] ?? network;
      const preference = head[5] === undefined ? undefined : Number(head[5]);
      routes.push({
        network,
        kind: head[2] ?? '',
        protocol: head[3] ?? '',
        primary: head[4] === '*',
        preference,
        nextHops: [],
      });
      continue;
    }
    const hop = /^\s+(?:via (\S+) on (\S+)|dev (\S+))/.exec(text);
    const route = routes.at(-1);
    if (!hop || !route) continue;
    const [, via, on, dev] = hop;
    const weight = /weight (\d+)/.exec(text)?.[1];
    const device = on ?? dev;
    route.nextHops.push({
      ...(via === undefined ? {} : { via }),
      ...(device === undefined ? {} : { dev: device }),
      ...(weight === undefined ? {} : { weight: Number(weight) }),
    });
  }
  return routes;
}
