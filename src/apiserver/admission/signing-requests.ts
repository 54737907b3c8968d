import { isDeepStrictEqual } from 'node:util';
import { CertificateSigningRequest, forbidden, type SigningCondition } from '../../kube/mod.ts';
import { refuse } from '../status-error.ts';
import type { Admission, Review } from './admission.ts';

/**
 * Who asks for a certificate is written into the request by us; who approves or signs needs the right to do so for that
 * signer (upstream's CertificateApproval and CertificateSigning plugins).
 */
export const judgeSigningRequests: Admission = (review) => {
  if (review.resource.kind !== CertificateSigningRequest.kind || !review.after) return;
  const after = review.after as CertificateSigningRequest;
  const before = review.before as CertificateSigningRequest | undefined;
  if (!before) stampRequester(review, after);
  else if (review.subresource === 'approval') judgeApproval(review, before, after);
  else if (review.subresource === 'status') judgeSigning(review, before, after);
};

function stampRequester({ user }: Review, request: CertificateSigningRequest): void {
  const { username: _, uid: __, groups: ___, extra: ____, ...asked } = request.spec;
  request.spec = {
    ...asked,
    username: user.name,
    groups: [...user.groups],
    ...(user.uid !== undefined && { uid: user.uid }),
    ...(user.extra && {
      extra: Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]])),
    }),
  };
}

const isVerdict = ({ type }: SigningCondition) => type === 'Approved' || type === 'Denied';
const conditionsOf = ({ status }: CertificateSigningRequest) => status?.conditions ?? [];
const verdictsOf = (request: CertificateSigningRequest) => conditionsOf(request).filter(isVerdict);
const othersOf = (request: CertificateSigningRequest) => conditionsOf(request).filter((one) => !isVerdict(one));

function judgeApproval(review: Review, before: CertificateSigningRequest, after: CertificateSigningRequest): void {
  if (isDeepStrictEqual(conditionsOf(before), conditionsOf(after))) return;
  demandRight(review, 'approve', after);
  keepVerdicts(before, after);
  const isElse =
    before.status?.certificate !== after.status?.certificate || !isDeepStrictEqual(othersOf(before), othersOf(after));
  if (isElse) deny(after, 'only the conditions Approved and Denied may be set by approval');
}

function judgeSigning(review: Review, before: CertificateSigningRequest, after: CertificateSigningRequest): void {
  if (!isDeepStrictEqual(verdictsOf(before), verdictsOf(after)))
    deny(after, 'the conditions Approved and Denied may be set by the approval subresource alone');
  const hasFailed = !isDeepStrictEqual(othersOf(before), othersOf(after));
  if (before.status?.certificate !== after.status?.certificate || hasFailed) demandRight(review, 'sign', after);
  if (before.status?.certificate && before.status.certificate !== after.status?.certificate)
    deny(after, 'status.certificate may not be changed once it is set');
}

/** What was approved or denied stays so. */
function keepVerdicts(before: CertificateSigningRequest, after: CertificateSigningRequest): void {
  const now = new Set(verdictsOf(after).map(({ type }) => type));
  const gone = verdictsOf(before).find(({ type }) => !now.has(type));
  if (gone) deny(after, `the condition ${gone.type} may not be removed`);
}

const deny = ({ metadata }: CertificateSigningRequest, why: string): never =>
  refuse(forbidden(CertificateSigningRequest, metadata.name, why));

/** By the signer's full name, or by its domain and a star. */
function demandRight({ authorizer, user }: Review, verb: string, request: CertificateSigningRequest): void {
  const { signerName } = request.spec;
  const names = [signerName, `${signerName.slice(0, signerName.indexOf('/'))}/*`];
  const about = { group: 'certificates.k8s.io', resource: 'signers', subresource: '', namespace: '', fields: [] };
  const isAllowed = names.some((name) => authorizer.allows({ type: 'resource', user, verb, name, ...about }));
  if (!isAllowed) deny(request, `user not permitted to ${verb} requests with signerName ${JSON.stringify(signerName)}`);
}
