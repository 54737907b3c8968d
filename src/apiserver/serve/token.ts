import type { ApiResponse } from '../../base/exchange.ts';
import {
  applyDefaults,
  badRequest,
  conflict,
  type FieldError,
  formatTime,
  invalid,
  type KubeObject,
  Node,
  notFound,
  Pod,
  Secret,
  type ServiceAccount,
  TokenRequest,
} from '../../kube/mod.ts';
import { checkNodesToken } from '../admission/node-restriction.ts';
import type { AccountTokens, Binding } from '../authentication/account-tokens.ts';
import { jsonResponse } from '../encoding/response.ts';
import { decodeObject } from '../request/decode.ts';
import { writeOptions } from '../request/options.ts';
import { refuse } from '../status-error.ts';
import type { NamedCall } from './context.ts';

const defaultSeconds = 3_600;
const leastSeconds = 600;
const mostSeconds = 2 ** 32;

type BoundReference = NonNullable<TokenRequest['spec']['boundObjectRef']>;

/** POST serviceaccounts/NAME/token: a token for the account, bound to what the request names. */
export async function createToken(call: NamedCall, tokens: AccountTokens): Promise<ApiResponse> {
  const { request, route, registry, ref, user } = call;
  const options = writeOptions(route.query, 'CreateOptions');
  const account = (await registry.get(ref)).object as ServiceAccount;
  const { object, warnings } = await decodeObject(request, TokenRequest, options);
  const wanted = applyDefaults(TokenRequest, object) as TokenRequest;
  checkPlace(wanted, ref);
  const { audiences = tokens.options.audiences, expirationSeconds = defaultSeconds, boundObjectRef } = wanted.spec;
  const errors = lifeErrors(expirationSeconds);
  if (errors.length > 0) refuse(invalid(TokenRequest, ref.name, errors));
  const bound = boundObjectRef ? await bindingOf(call, account, boundObjectRef) : {};
  checkNodesToken(user, account, bound.pod, boundObjectRef);
  const spec = { ...wanted.spec, audiences, expirationSeconds };
  const metadata = { ...wanted.metadata, name: ref.name, namespace: ref.namespace };
  // A dry run gives nobody a credential.
  const status = options.dryRun ? {} : issued(tokens, account, bound, audiences, expirationSeconds);
  return jsonResponse(201, JSON.stringify({ ...wanted, metadata, spec, status }), warnings);
}

function issued(...given: [AccountTokens, ...Parameters<AccountTokens['issue']>]) {
  const [tokens, ...wanted] = given;
  const { token, expiresAtMs } = tokens.issue(...wanted);
  return { token, expirationTimestamp: formatTime(expiresAtMs) };
}

function checkPlace({ metadata }: TokenRequest, ref: NamedCall['ref']): void {
  if (metadata.name && metadata.name !== ref.name)
    refuse(badRequest('metadata.name: must match the service account name'));
  if (metadata.namespace && metadata.namespace !== ref.namespace)
    refuse(badRequest('metadata.namespace: must match the service account namespace'));
}

function lifeErrors(seconds: number): FieldError[] {
  const wrong = (why: string): FieldError[] => [
    { path: 'spec.expirationSeconds', type: 'FieldValueInvalid', message: `Invalid value: ${seconds}: ${why}` },
  ];
  if (seconds < leastSeconds) return wrong('may not specify a duration less than 10 minutes');
  return seconds > mostSeconds ? wrong('may not specify a duration larger than 2^32 seconds') : [];
}

async function bindingOf(call: NamedCall, account: ServiceAccount, reference: BoundReference): Promise<Binding> {
  const { kind = '', apiVersion = '', uid = '' } = reference;
  const find = findBound(call, account, reference)[`${apiVersion}/${kind}`];
  if (!find) return refuse(badRequest(`cannot bind token to object of type ${apiVersion}, Kind=${kind}`));
  const { object, binding } = await find();
  if (uid !== '' && uid !== object.metadata.uid) {
    const recreated = 'The object might have been deleted and then recreated';
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. ${recreated}`;
    refuse(conflict({ group: '', kind, plural: `${kind.toLowerCase()}s` }, object.metadata.name, why));
  }
  return binding;
}

type Find = () => Promise<{ object: KubeObject; binding: Binding }>;

function findBound(call: NamedCall, account: ServiceAccount, { name = '' }: BoundReference): Record<string, Find> {
  const { namespace } = call.ref;
  return {
    'v1/Pod': async () => {
      const pod = (await call.registryOf(Pod).get({ namespace, name })).object as Pod;
      checkPodsAccount(pod, account);
      const node = call.registryOf(Node).peek({ namespace: undefined, name: pod.spec.nodeName ?? '' });
      return { object: pod, binding: { pod, ...(node && { node: node.object as Node }) } };
    },
    'v1/Secret': async () => {
      const version = call.registryOf(Secret).peek({ namespace, name }) ?? refuse(notFound(Secret, name));
      const secret = version.object as Secret;
      return { object: secret, binding: { secret } };
    },
    'v1/Node': async () => {
      const node = (await call.registryOf(Node).get({ namespace: undefined, name })).object as Node;
      return { object: node, binding: { node } };
    },
  };
}

function checkPodsAccount({ spec }: Pod, { metadata: { name } }: ServiceAccount): void {
  if (spec.serviceAccountName === name) return;
  const why = `cannot bind token for serviceaccount "${name}" to pod running with different serviceaccount name.`;
  refuse(badRequest(why));
}
