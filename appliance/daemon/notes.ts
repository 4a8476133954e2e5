/** What works as configured and an operator would still want to know: nothing here makes a box unwell. */

/** @param forwards the kernel's net.ipv4.ip_forward */
export function notesOf(
  ports: readonly { readonly name: string; readonly mode: string }[],
  forwards: boolean,
): string[] {
  const notes: string[] = [];
  if (!forwards)
    notes.push(
      'net.ipv4.ip_forward is 0: the kernel does not route, so every IPv4 packet is left to it; to forward, run "sysctl -w net.ipv4.ip_forward=1"',
    );
  for (const { name, mode } of ports)
    if (mode === 'generic')
      notes.push(
        `${name} runs XDP in GENERIC mode, which is no faster than the kernel: for speed use an interface whose driver has native XDP; to have it refused instead, set dataplane.allow_generic to false`,
      );
  return notes;
}
