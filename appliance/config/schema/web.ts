/** `web`: the live page and its API. */
import { z } from 'zod';
import { hostNames, listenPattern } from './listen.ts';

const loopback = /^(?:127\.|\[::1\])/;

export const webSchema = z
  .strictObject({
    listen: z
      .union([z.literal('off'), z.string().regex(listenPattern, 'not ADDRESS:PORT, [ADDRESS]:PORT or off')])
      .default('127.0.0.1:9470')
      .describe(
        'Where the live page and its read-only API are, as `ADDRESS:PORT`, or `off`. On a loopback address everybody on this machine may look; any other needs `token_file`.',
      ),
    token_file: z
      .string()
      .min(1)
      .optional()
      .describe('File with the token that lets look: one word of at least 16 characters, readable by its owner only.'),
    names: hostNames.describe(
      'Host names the page is asked for by, besides addresses and `localhost`; other names are refused.',
    ),
  })
  .superRefine(({ listen, token_file }, context) => {
    if (listen !== 'off' && !loopback.test(listen) && token_file === undefined)
      context.addIssue({
        code: 'custom',
        path: ['listen'],
        message: `${listen} can be reached from other machines, so web.token_file is needed too`,
      });
  });
