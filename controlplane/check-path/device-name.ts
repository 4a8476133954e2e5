/** How the devices that carry checks are known. */
export const DEVICE_PREFIX = 'hrc-';

/** Is it one end of the pair that checks leave by? */
export function carriesChecks(name: string): boolean {
  return name.startsWith(DEVICE_PREFIX);
}
