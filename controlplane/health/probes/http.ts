/**
 * An HTTP or HTTPS request: one connection a check, so that a server which stopped accepting is found out. Redirects are
 * answers, not followed. A certificate is checked against the SNI name, the Host name or the address, in this order.
 *
 * The regular expression runs with a time limit, in a context of its own: one that backtracks without end would stop
 * the whole daemon.
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import vm from 'node:vm';
import { failure, fromError, type Outcome, success, timeout } from '../outcome.ts';
import type { HttpProbe } from '../spec.ts';
import type { Destination, Run } from './probe.ts';

const REGEX_LIMIT_MS = 20;

export function httpRun(probe: HttpProbe): Run {
  const judge = bodyJudge(probe);
  // Parsing certificates takes milliseconds: once a probe, not once a check.
  const secureContext = probe.kind === 'https' ? createSecureContext(probe.ca ? { ca: probe.ca } : {}) : undefined;
  return (to, timeoutMs) =>
    new Promise<Outcome>((resolve) => {
      const options = requestOptions(probe, to, secureContext);
      const request = probe.kind === 'https' ? httpsRequest(options) : httpRequest(options);
      let stage = 'connection';
      const timer = setTimeout(() => end(timeout(timeoutMs, stage)), timeoutMs);
      const end = (outcome: Outcome): void => {
        clearTimeout(timer);
        request.destroy();
        resolve(outcome);
      };
      request.once('socket', (socket) => {
        socket.once(probe.kind === 'https' ? 'secureConnect' : 'connect', () => {
          stage = 'answer';
        });
      });
      // Stays: destroying may make one more.
      request.on('error', (error) => end(fromError(error)));
      request.once('response', (response) => {
        stage = 'end of the answer';
        read(probe, response, judge, end);
      });
      request.end();
    });
}

function requestOptions(
  probe: HttpProbe,
  { address, localAddress, host = address }: Destination,
  secureContext: SecureContext | undefined,
): RequestOptions {
  const bracketed = isIP(host) === 6 ? `[${host}]` : host;
  const usual = probe.kind === 'https' ? 443 : 80;
  const name = probe.sni ?? probe.host?.replace(/:\d+$/, '');
  return {
    host: address,
    ...(localAddress && { localAddress }),
    port: probe.port,
    method: probe.method,
    path: probe.path,
    headers: {
      host: probe.host ?? (probe.port === usual ? bracketed : `${bracketed}:${probe.port}`),
      'user-agent': 'headrace-check',
      accept: '*/*',
      connection: 'close',
    },
    agent: false,
    ...(secureContext && {
      secureContext,
      rejectUnauthorized: probe.verify,
      ALPNProtocols: ['http/1.1'],
      // An address is no server name (RFC 6066); the certificate is then checked against the address.
      ...(name && isIP(name) === 0 ? { servername: name } : { servername: '' }),
    }),
  };
}

function read(probe: HttpProbe, response: IncomingMessage, judge: BodyJudge, end: (outcome: Outcome) => void): void {
  const status = response.statusCode ?? 0;
  if (!probe.status.some(([from, to]) => status >= from && status <= to)) {
    end(failure(`status ${status}, wanted ${probe.status.map(([a, b]) => (a === b ? a : `${a}-${b}`)).join(', ')}`));
    return;
  }
  if (!judge) {
    end(success(`status ${status}`));
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  const look = (): void => {
    const wrong = judge(Buffer.concat(chunks, Math.min(length, probe.maxBodyBytes)).toString('utf8'));
    end(wrong ? failure(`status ${status}, but ${wrong}`) : success(`status ${status}, the body is right`));
  };
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= probe.maxBodyBytes) look();
  });
  response.once('end', look);
  response.once('error', (error) => end(fromError(error)));
}

/** What is wrong with a body, undefined when nothing is. */
type BodyJudge = ((body: string) => string | undefined) | undefined;

function bodyJudge({ contains, matches, maxBodyBytes }: HttpProbe): BodyJudge {
  if (contains === undefined && matches === undefined) return undefined;
  const where = `the first ${maxBodyBytes} bytes of the body`;
  const test = matches === undefined ? undefined : limitedTest(matches);
  return (body) => {
    if (contains !== undefined && !body.includes(contains)) return `${where} do not have "${contains}"`;
    if (!test) return undefined;
    const matched = test(body);
    if (matched === undefined) return `matching /${matches}/ took more than ${REGEX_LIMIT_MS} ms: simplify it`;
    return matched ? undefined : `${where} do not match /${matches}/`;
  };
}

/** A test that gives up: undefined when the time is over. */
function limitedTest(source: string): (text: string) => boolean | undefined {
  const context = vm.createContext({ pattern: new RegExp(source), text: '' });
  const script = new vm.Script('pattern.test(text)');
  return (text) => {
    context['text'] = text;
    try {
      return script.runInContext(context, { timeout: REGEX_LIMIT_MS }) as boolean;
    } catch {
      return undefined;
    } finally {
      context['text'] = '';
    }
  };
}
