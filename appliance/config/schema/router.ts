/** `router`: how packets are routed. */
import { z } from 'zod';

export const routerSchema = z.strictObject({
  fib: z
    .enum(['auto', 'helper', 'mirror'])
    .default('auto')
    .describe(
      'Who says where a packet goes. `helper`: the kernel, asked for each packet. `mirror`: tables that follow the kernel’s routes, several times as fast with a full table; the kernel is asked for whatever is not plain. They take some hundred MiB of memory. `auto`: the mirror for large tables without policy rules, else the helper.',
    ),
});
