/** What works as configured and an operator would still want to know: nothing here makes a box unwell. */

/**
 * @param forwards the kernel's net.ipv4.ip_forward
 * @param barriers the programs were loaded without CAP_PERFMON
 */
export function notesOf(
  ports: readonly { readonly name: string; readonly mode: string; readonly kernel?: string | null | undefined }[],
  forwards: boolean,
  barriers = false,
): string[] {
  const notes: string[] = [];
  if (!forwards)
    notes.push(
      'net.ipv4.ip_forward is 0: the kernel does not route, so every IPv4 packet is left to it; to forward, run "sysctl -w net.ipv4.ip_forward=1"',
    );
  if (barriers)
    notes.push(
      'the programs were loaded without CAP_PERFMON, so each packet passes barriers against speculation: run "headrace load" with that capability before a start or a reload, as headrace-load.service does ("systemctl restart headrace" loses no packet)',
    );
  for (const { name, kernel } of ports) if (kernel) notes.push(`${name} is left to the kernel: ${kernel}`);
  for (const { name, mode } of ports)
    if (mode === 'generic')
      notes.push(
        `${name} runs XDP in GENERIC mode, which is no faster than the kernel: for speed use an interface whose driver has native XDP; to have it refused instead, set dataplane.allow_generic to false`,
      );
  return notes;
}
