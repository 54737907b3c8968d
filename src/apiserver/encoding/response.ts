import type { ApiResponse } from '../../base/exchange.ts';
import type { Status } from '../../kube/mod.ts';

const jsonType = { 'content-type': 'application/json' } as const;

export const jsonResponse = (status: number, body: string, warnings: readonly string[] = []): ApiResponse => ({
  status,
  headers: warnings.length === 0 ? jsonType : { ...jsonType, warning: warnings.map(warningValue).join(', ') },
  body,
});

export const statusResponse = (status: Status): ApiResponse => {
  const response = jsonResponse(status.code, JSON.stringify(status));
  const retryAfterSeconds = status.details?.retryAfterSeconds;
  if (retryAfterSeconds === undefined) return response;
  return { ...response, headers: { ...response.headers, 'retry-after': String(retryAfterSeconds) } };
};

export const textResponse = (status: number, body: string): ApiResponse => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body,
});

/** RFC 9111's successor of warn-code 199, as Kubernetes uses it (KEP-1693). */
const warningValue = (text: string) => `299 - "${asciiOnly(text).replace(/[\\"]/g, '\\$&')}"`;

const asciiOnly = (text: string) => text.replace(/[^\x20-\x7e]/g, '?');
