import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { ProbeOutcome } from './state.ts';
import { withTimeout } from './timeout.ts';

export interface HttpTarget {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** Path and query; a missing leading slash is added. */
  readonly path: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

/** kubelet follows as many (net/http, defaultCheckRedirect). */
const mostRedirects = 10;
const userAgent = 'kube-probe/1.36';

/**
 * GET, and 200 to 399 is a success. A redirect is followed on the same host; one to another host is a success by
 * itself (pkg/probe/http). Certificates are not verified; every attempt is a new connection.
 */
export function probeHttp(
  clock: Clock,
  target: HttpTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  return withTimeout(clock, timeoutMs, signal, async (limit) => {
    try {
      return await get(new URL(urlOf(target)), target.headers, limit, mostRedirects);
    } catch (error) {
      return { ok: false, message: `Get "${urlOf(target)}": ${messageOf(error)}` };
    }
  });
}

function urlOf({ scheme, host, port, path }: HttpTarget): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return `${scheme}://${name}:${port}${path.startsWith('/') ? '' : '/'}${path}`;
}

async function get(
  url: URL,
  headers: HttpTarget['headers'],
  signal: AbortSignal,
  redirectsLeft: number,
): Promise<ProbeOutcome> {
  const { statusCode, location } = await fetchHead(url, headers, signal);
  const followed = [301, 302, 303, 307, 308].includes(statusCode) && location !== undefined;
  if (!followed)
    return { ok: statusCode >= 200 && statusCode < 400, message: `HTTP probe failed with statuscode: ${statusCode}` };
  const next = new URL(location, url);
  if (next.hostname !== url.hostname) return { ok: true, message: `redirected to another host: ${next}` };
  if (redirectsLeft === 0) return { ok: false, message: `Get "${url}": stopped after ${mostRedirects} redirects` };
  return get(next, headers, signal, redirectsLeft - 1);
}

function fetchHead(
  url: URL,
  headers: HttpTarget['headers'],
  signal: AbortSignal,
): Promise<{ statusCode: number; location: string | undefined }> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(url, { agent: false, rejectUnauthorized: false, headers: headerTable(headers), signal });
    request.once('error', reject);
    request.once('response', (response: IncomingMessage) => {
      resolve({ statusCode: response.statusCode ?? 0, location: response.headers.location });
      // The verdict does not wait for the body.
      response.destroy();
    });
    request.end();
  });
}

function headerTable(headers: HttpTarget['headers']): Record<string, string | string[]> {
  const table: Record<string, string | string[]> = { 'user-agent': userAgent, accept: '*/*', connection: 'close' };
  const given = new Map<string, string[]>();
  for (const { name, value } of headers) {
    const key = name.toLowerCase();
    given.set(key, [...(given.get(key) ?? []), value]);
  }
  for (const [name, values] of given) table[name] = values.length === 1 ? values[0]! : values;
  return table;
}
