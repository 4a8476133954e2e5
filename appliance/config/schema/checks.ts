/** `pools.NAME.check`: how the backends of a pool are checked. */
import { z } from 'zod';
import { dnsCodes, dnsTypes } from '../../../controlplane/health/index.ts';
import { addressSchema, portSchema } from './names.ts';
import { count, duration, percent } from './units.ts';

const statusSchema = z
  .union([
    z.int().min(100).max(599),
    z.string().regex(/^[1-5]\d\d-[1-5]\d\d$/, 'not a status or a range of them: write 200 or 200-299'),
  ])
  .transform((status): [number, number] => {
    if (typeof status === 'number') return [status, status];
    const [from = 0, to = 0] = status.split('-').map(Number);
    return [from, to];
  })
  .refine(([from, to]) => from <= to, 'the lower status comes first');

const regexSchema = z
  .string()
  .max(1000)
  .refine((source) => {
    try {
      new RegExp(source);
      return true;
    } catch {
      return false;
    }
  }, 'not a regular expression');

const header = z
  .string()
  .max(253)
  .regex(/^[\x21-\x7e]+$/, 'not a host name: letters that HTTP allows, no blanks');

const http = (port: number) => ({
  port: portSchema.default(port).describe('Where the backend answers.'),
  method: z.enum(['GET', 'HEAD', 'POST', 'OPTIONS']).default('GET').describe('Method of the request.'),
  path: z
    .string()
    .regex(/^\/[\x21-\x7e]*$/, 'not a path: it begins with / and has no blanks')
    .default('/')
    .describe('Path and query of the request.'),
  host: header.optional().describe("The Host header; the backend's address by default."),
  status: z
    .union([statusSchema.transform((status) => [status]), z.array(statusSchema).min(1, 'name at least one status')])
    .prefault('200-299')
    .describe('Statuses that are well: numbers and ranges. Redirects are not followed.'),
  contains: z.string().min(1).max(1000).optional().describe('Text the body must have.'),
  matches: regexSchema.optional().describe('Regular expression (JavaScript) the body must match.'),
  max_body: count(1, 1 << 20)
    .default(65_536)
    .describe('Bytes of the body that are read and looked at.'),
});

const answerSchema = {
  expect: z.string().min(1).max(1000).optional().describe('Text the answer must have; any answer will do by default.'),
  expect_hex: z
    .string()
    .regex(/^(?:[0-9a-fA-F]{2})+$/, 'not bytes in hex: two digits each')
    .optional()
    .describe('The same in hex, for bytes that are no text.'),
};

export const checkSchema = z
  .strictObject({
    tcp: z
      .strictObject({ port: portSchema.describe('Where the backend accepts.') })
      .optional()
      .describe('A TCP connection is accepted.'),
    http: z.strictObject(http(80)).optional().describe('An HTTP request is answered well.'),
    https: z
      .strictObject({
        ...http(443),
        sni: header
          .optional()
          .describe('Server name asked for and looked for in the certificate; `host`, or the address, by default.'),
        ca: z
          .string()
          .min(1)
          .optional()
          .describe("File of certificates (PEM) to trust, instead of Node.js's own list."),
        verify: z.boolean().default(true).describe('Whether the certificate must be right.'),
      })
      .optional()
      .describe('An HTTPS request is answered well, with a certificate that is right.'),
    dns: z
      .strictObject({
        port: portSchema.default(53).describe('Where the backend answers.'),
        name: z.string().min(1).max(253).describe('Name to ask for.'),
        type: z.enum(dnsTypes).default('A').describe('Type of record.'),
        rcode: z.enum(dnsCodes).default('NOERROR').describe('Code the answer must have.'),
        answer: z.string().min(1).optional().describe('Data that one of the records must have: an address or a name.'),
      })
      .optional()
      .describe('A DNS query over UDP is answered.'),
    udp: z
      .strictObject({
        port: portSchema.describe('Where the backend answers.'),
        send: z.string().max(1000).optional().describe('Text to send.'),
        send_hex: z
          .string()
          .regex(/^(?:[0-9a-fA-F]{2})*$/, 'not bytes in hex: two digits each')
          .optional()
          .describe('The same in hex.'),
        ...answerSchema,
      })
      .refine(({ send, send_hex }) => (send === undefined) !== (send_hex === undefined), 'give send or send_hex')
      .refine(
        ({ expect, expect_hex }) => expect === undefined || expect_hex === undefined,
        'give expect or expect_hex, not both',
      )
      .optional()
      .describe('A datagram is answered.'),
    icmp: z.strictObject({}).optional().describe('An echo request (ping) is answered: the host is there, no more.'),
    via: z
      .enum(['direct', 'vip'])
      .default('direct')
      .describe(
        "`direct`: to the backend's own address. `vip`: to the VIP on the backend, in the mode of the service, as a client's packets go; `port` is then the service's.",
      ),
    vip: addressSchema
      .optional()
      .describe(
        'With `via: vip`: which; by default the first of the first service that uses the pool and takes the port.',
      ),
    interval: duration(100, 3_600_000).prefault('2s').describe('From one check to the next.'),
    fast_interval: duration(50, 3_600_000)
      .prefault('500ms')
      .describe('The same while the verdict is about to change, and before the first one.'),
    timeout: duration(10, 60_000).prefault('1s').describe('A check that has no answer by then has failed.'),
    jitter: percent().prefault('10%').describe('By how much intervals are longer or shorter at random.'),
    rise: z.int().min(1).max(100).default(3).describe('Successes in a row that bring a backend back.'),
    fall: z.int().min(1).max(100).default(2).describe('Failures in a row that take it out.'),
    hold_down: duration(0, 86_400_000)
      .prefault('0s')
      .describe('A backend that went down stays down for at least this long.'),
    panic: percent()
      .prefault('0%')
      .describe(
        'When less than this share of the backends pass, the checks are not believed and all backends are used. 0% for never.',
      ),
  })
  .refine(
    ({ tcp, http, https, dns, udp, icmp }) => [tcp, http, https, dns, udp, icmp].some((kind) => kind !== undefined),
    'says nothing to check: give tcp, http, https, dns, udp or icmp',
  );

export type CheckConfig = z.output<typeof checkSchema>;
