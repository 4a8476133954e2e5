/** ADDRESS:PORT and [ADDRESS]:PORT taken apart. The configuration has checked their form. */
export function splitListen(text: string): { readonly host: string; readonly port: number } {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}
