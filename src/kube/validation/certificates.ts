import type { CertificateSigningRequest } from '../kinds/certificates.ts';
import { duplicateError, type FieldError, invalidError, notSupportedError, requiredError } from './field-error.ts';

/** ValidateCertificateSigningRequestCreate and its like of pkg/apis/certificates/validation. */
export function validateSigningRequest({ spec, status }: CertificateSigningRequest): FieldError[] {
  const { request, signerName, expirationSeconds, usages = [] } = spec;
  const errors: FieldError[] = [];
  if (!isPemOf(request, 'CERTIFICATE REQUEST'))
    errors.push(invalidError('spec.request', request, 'PEM block type must be CERTIFICATE REQUEST'));
  if (signerName === '') errors.push(requiredError('spec.signerName'));
  else if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(signerName))
    errors.push(invalidError('spec.signerName', signerName, wrongSigner));
  if (usages.length === 0) errors.push(requiredError('spec.usages', 'usages must be provided'));
  if (expirationSeconds !== undefined && expirationSeconds < 600)
    errors.push(
      invalidError('spec.expirationSeconds', expirationSeconds, 'may not specify a duration less than 600 seconds'),
    );
  return [...errors, ...statusErrors(status)];
}

const wrongSigner = "must be a fully qualified domain and path of the form 'example.com/signer-name'";

function statusErrors({ conditions = [], certificate }: NonNullable<CertificateSigningRequest['status']> = {}) {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { type, status }] of conditions.entries()) {
    const path = `status.conditions[${index}]`;
    if (verdicts.includes(type) && status !== 'True')
      errors.push(notSupportedError(`${path}.status`, status, ['True']));
    if (seen.has(type)) errors.push(duplicateError(`${path}.type`, type));
    seen.add(type);
  }
  if (seen.has('Approved') && seen.has('Denied'))
    errors.push(invalidError('status.conditions', 'Denied', 'Approved and Denied conditions are mutually exclusive'));
  if (certificate !== undefined && !isPemOf(certificate, 'CERTIFICATE'))
    errors.push(invalidError('status.certificate', certificate, 'must contain a PEM block of type CERTIFICATE'));
  return errors;
}

const verdicts = ['Approved', 'Denied', 'Failed'];

const isPemOf = (base64: string, type: string): boolean =>
  new RegExp(`-----BEGIN ${type}-----\\r?\\n[\\s\\S]+-----END ${type}-----`).test(
    Buffer.from(base64, 'base64').toString(),
  );
