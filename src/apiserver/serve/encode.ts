import type { ApiResponse } from '../../base/exchange.ts';
import { notAcceptable } from '../../kube/mod.ts';
import type { Version } from '../cache/version.ts';
import { type FormEncoder, formEncoder } from '../encoding/forms.ts';
import { jsonResponse } from '../encoding/response.ts';
import { type Form, formOf } from '../request/negotiate.ts';
import { refuse } from '../status-error.ts';
import type { Call } from './context.ts';

/** The encoder that the client asks for; `partial` is the metadata form that fits what is answered. */
export function encoderFor(
  { request, route, registry, clock }: Call,
  partial: 'partial' | 'partial-list',
): FormEncoder {
  const form: Form = formOf(request.headers.accept);
  if (form === (partial === 'partial' ? 'partial-list' : 'partial')) refuse(notAcceptable(['application/json']));
  return formEncoder(registry.resource, form, route.query.get('includeObject') ?? 'Metadata', () => clock.now());
}

export const answerVersion = (
  call: Call,
  version: Version,
  status: number,
  warnings: readonly string[] = [],
): ApiResponse => jsonResponse(status, encoderFor(call, 'partial').one(version), warnings);
