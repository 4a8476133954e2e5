/** Which interfaces the operator wants rules skipped for. */
import { matchesGlob } from '../../controlplane/ports/index.ts';
import type { Config } from './schema/index.ts';

/** Whether `netfilter: bypass` holds for an interface: its own entry decides, then the section. */
export function bypassesNetfilter({ dataplane }: Pick<Config, 'dataplane'>, name: string): boolean {
  const entry = dataplane.interfaces.find(({ match }) => matchesGlob(match, name));
  return (entry?.netfilter ?? dataplane.netfilter) === 'bypass';
}
