/** A DNS query over UDP: the answer must have the wanted code and, when asked for, one record with the wanted data. */
import { randomInt } from 'node:crypto';
import { type Answer, decode, encode, type RecordType } from 'dns-packet';
import { formatIp, parseIp } from '../../netlink/index.ts';
import { failure, type Outcome, success } from '../outcome.ts';
import type { DnsProbe } from '../spec.ts';
import { exchange } from './datagram.ts';
import type { Run } from './probe.ts';

/** Record types a check can ask for. */
export const dnsTypes = ['A', 'AAAA', 'CNAME', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'TXT'] as const;
export const dnsCodes = ['NOERROR', 'NXDOMAIN', 'REFUSED', 'SERVFAIL', 'NOTIMP', 'FORMERR'] as const;

export function dnsRun(probe: DnsProbe): Run {
  return (to, timeoutMs) => {
    // A new number each time, so that a late answer to the last question is not taken for one to this.
    const id = randomInt(0x10000);
    const query = encode({
      type: 'query',
      id,
      flags: 0x0100 /* recursion desired */,
      questions: [{ type: probe.type as RecordType, name: probe.name }],
    });
    return exchange(to, probe.port, query, timeoutMs, (bytes) => judge(probe, id, bytes));
  };
}

/** @returns undefined for what is no answer to this question. */
function judge(probe: DnsProbe, id: number, bytes: Buffer): Outcome | undefined {
  let answer: ReturnType<typeof decode> & { readonly rcode?: string };
  try {
    answer = decode(bytes);
  } catch {
    return failure('the answer is not DNS');
  }
  if (answer.id !== id || answer.type !== 'response') return undefined;
  const rcode = answer.rcode ?? 'NOERROR';
  if (rcode !== probe.rcode) return failure(`code ${rcode}, wanted ${probe.rcode}`);
  if (probe.answer === undefined) return success(`code ${rcode}`);
  const found = (answer.answers ?? []).filter(({ type }) => type === probe.type).map(dataOf);
  const wanted = normal(probe.answer);
  if (found.includes(wanted)) return success(`code ${rcode}, ${probe.type} ${probe.answer}`);
  return failure(`${probe.type} is ${found.join(', ') || 'missing'}, wanted ${probe.answer}`);
}

function dataOf(answer: Answer): string {
  const data: unknown = 'data' in answer ? answer.data : undefined;
  if (typeof data === 'string') return normal(data);
  if (Array.isArray(data)) return data.map(String).join('');
  if (Buffer.isBuffer(data)) return data.toString('utf8');
  if (typeof data !== 'object' || data === null) return '';
  if ('exchange' in data) return normal(String(data.exchange));
  if ('target' in data) return normal(String(data.target));
  return 'mname' in data ? normal(String(data.mname)) : '';
}

/** Names without regard to case and a final dot, addresses in one spelling. */
function normal(text: string): string {
  const address = parseIp(text);
  return address ? formatIp(address.bytes) : text.toLowerCase().replace(/\.$/, '');
}
