import { humanDuration } from '../duration.ts';
import type { CertificateSigningRequest } from '../kinds/certificates.ts';
import { ageColumn, type Column, column, nameColumn, none } from './column.ts';

export const signingRequestColumns: readonly Column<CertificateSigningRequest>[] = [
  nameColumn,
  ageColumn,
  column('SignerName', 'Who is to sign', ({ spec }) => spec.signerName),
  column('Requestor', 'Who asks', ({ spec }) => spec.username ?? ''),
  column('RequestedDuration', 'For how long it is asked', ({ spec: { expirationSeconds } }) =>
    expirationSeconds === undefined ? none : humanDuration(1000 * expirationSeconds),
  ),
  column('Condition', 'What has become of it', conditionText),
];

function conditionText({ status }: CertificateSigningRequest): string {
  const types = ['Approved', 'Denied', 'Failed'].filter((type) =>
    status?.conditions?.some((condition) => condition.type === type),
  );
  const words = types.length === 0 ? ['Pending'] : types;
  return [...words, ...(status?.certificate ? ['Issued'] : [])].join(',');
}
