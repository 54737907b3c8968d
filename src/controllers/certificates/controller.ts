import { messageOf } from '../../base/errors.ts';
import {
  CertificateSigningRequest,
  formatTime,
  parseTime,
  type SigningCondition,
  SubjectAccessReview,
} from '../../kube/mod.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { deleteObject } from '../shared/delete-object.ts';
import { ControllerLoop } from '../shared/loop.ts';
import type { RequestFacts, RequestSigner } from './port.ts';
import { kubeletClient, signerRules } from './signers.ts';

/** Upstream's --cluster-signing-duration. */
const longestSeconds = 365 * 86_400;
/** Requests are kept so long after what became of them (upstream's csrcleaner). */
const decidedLifeMs = 3_600_000;
const pendingLifeMs = 86_400_000;

/** Approves what nodes may have without being asked, signs what is approved, and forgets old requests. */
export function startCertificateController(context: ControllerContext, signer: RequestSigner): StopController {
  const { client, informers, clock } = context;
  const requests = informers.of(CertificateSigningRequest);
  const loop = new ControllerLoop(context, { name: 'certificates', sync });
  requests.onChange(({ key, after }) => {
    if (after) loop.add(key);
  });

  async function sync(name: string): Promise<void> {
    const request = requests.get(name);
    if (!request || request.metadata.deletionTimestamp) return;
    const endMs = (parseTime(request.metadata.creationTimestamp) ?? 0) + lifeMs(request);
    if (clock.now() >= endMs) {
      await deleteObject(client, CertificateSigningRequest, request);
      return;
    }
    loop.addAfter(name, endMs - clock.now());
    if (has(request, 'Denied') || has(request, 'Failed') || request.status?.certificate) return;
    if (has(request, 'Approved')) await sign(request);
    else if (request.spec.signerName === kubeletClient) await approve(request);
  }

  async function approve(request: CertificateSigningRequest): Promise<void> {
    const facts = await signer.read(pemOf(request)).catch(() => undefined);
    if (!facts || signerRules[kubeletClient]!(facts, request.spec.usages ?? [])) return;
    const reason = await automaticReason(request, facts);
    if (reason === undefined) return;
    const message = `Auto approving ${reason} certificate after SubjectAccessReview.`;
    const condition = conditionOf('Approved', 'AutoApproved', message);
    await write(request, { conditions: [...conditionsOf(request), condition] }, 'approval');
  }

  /** One that renews its own certificate, or one that may have any node's first. */
  async function automaticReason(request: CertificateSigningRequest, { commonName }: RequestFacts) {
    const isOwn = commonName === request.spec.username;
    if (isOwn && (await mayCreate(request, 'selfnodeclient'))) return 'self kubelet client';
    return (await mayCreate(request, 'nodeclient')) ? 'kubelet client' : undefined;
  }

  async function mayCreate({ spec }: CertificateSigningRequest, subresource: string): Promise<boolean> {
    const group = 'certificates.k8s.io';
    const resourceAttributes = { group, resource: 'certificatesigningrequests', subresource, verb: 'create' };
    const { username, uid, groups, extra } = spec;
    const asker = { ...(username && { user: username }), ...(uid && { uid }), ...(groups && { groups }) };
    const review = { metadata: {}, spec: { resourceAttributes, ...asker, ...(extra && { extra }) } };
    return (await client.create(SubjectAccessReview, review as never)).status?.allowed === true;
  }

  async function sign(request: CertificateSigningRequest): Promise<void> {
    const { signerName, usages = [], expirationSeconds = longestSeconds } = request.spec;
    const rule = signerRules[signerName];
    // Somebody else's signer.
    if (!rule) return;
    const problem = await signer.read(pemOf(request)).then((facts) => rule(facts, usages), messageOf);
    if (problem !== undefined) return fail(request, problem);
    const seconds = Math.min(expirationSeconds, longestSeconds);
    const certificate = await signer.sign(pemOf(request), { usages, seconds });
    await write(request, { certificate: Buffer.from(certificate).toString('base64') }, 'status');
  }

  async function fail(request: CertificateSigningRequest, problem: string): Promise<void> {
    const condition = conditionOf('Failed', 'SignerValidationFailure', problem);
    await write(request, { conditions: [...conditionsOf(request), condition] }, 'status');
  }

  async function write(
    request: CertificateSigningRequest,
    change: Partial<NonNullable<CertificateSigningRequest['status']>>,
    subresource: 'approval' | 'status',
  ): Promise<void> {
    const changed = { ...request, status: { ...request.status, ...change } };
    loop.wrote(
      request.metadata.name,
      requests,
      await client.update(CertificateSigningRequest, changed, { subresource }),
    );
  }

  function conditionOf(type: string, reason: string, message: string): SigningCondition {
    const time = formatTime(clock.now());
    return { type, status: 'True', reason, message, lastUpdateTime: time, lastTransitionTime: time };
  }

  return () => loop.stop();
}

const conditionsOf = ({ status }: CertificateSigningRequest) => status?.conditions ?? [];
const has = (request: CertificateSigningRequest, type: string) =>
  conditionsOf(request).some((condition) => condition.type === type);
const pemOf = ({ spec }: CertificateSigningRequest) => Buffer.from(spec.request, 'base64').toString();
const lifeMs = (request: CertificateSigningRequest) =>
  conditionsOf(request).length > 0 ? decidedLifeMs : pendingLifeMs;
