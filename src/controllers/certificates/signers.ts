import type { RequestFacts } from './port.ts';

export const kubeletClient = 'kubernetes.io/kube-apiserver-client-kubelet';
const kubeletServing = 'kubernetes.io/kubelet-serving';
const anyClient = 'kubernetes.io/kube-apiserver-client';

/** What is wrong with a request for this signer; undefined: nothing. */
export type Rule = (facts: RequestFacts, usages: readonly string[]) => string | undefined;

const usageProblem = (usages: readonly string[], needed: string): string | undefined => {
  const allowed = new Set([needed, 'digital signature', 'key encipherment']);
  const wrong = usages.find((usage) => !allowed.has(usage));
  if (wrong !== undefined) return `usage ${JSON.stringify(wrong)} is not for this signer`;
  return usages.includes(needed) && usages.includes('digital signature')
    ? undefined
    : `usages must include "digital signature" and "${needed}"`;
};

function nodeProblem({ commonName, organizations }: RequestFacts): string | undefined {
  if (organizations.length !== 1 || organizations[0] !== 'system:nodes')
    return 'subject organization is not system:nodes';
  return /^system:node:./.test(commonName) ? undefined : 'subject common name does not begin with system:node: ';
}

/** The signers of upstream that serve here (certificates/v1 helpers.go, controller/certificates/signer). */
export const signerRules: Readonly<Record<string, Rule>> = {
  [kubeletClient]: (facts, usages) =>
    nodeProblem(facts) ??
    (facts.names.length > 0 ? 'subject alternative names are not allowed' : undefined) ??
    usageProblem(usages, 'client auth'),
  [kubeletServing]: (facts, usages) =>
    nodeProblem(facts) ?? servingNamesProblem(facts) ?? usageProblem(usages, 'server auth'),
  [anyClient]: ({ organizations }, usages) =>
    organizations.includes('system:masters')
      ? 'use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed'
      : usageProblem(usages, 'client auth'),
};

function servingNamesProblem({ names }: RequestFacts): string | undefined {
  if (names.some(({ type }) => type !== 'dns' && type !== 'ip'))
    return 'only DNS and IP subject alternative names are allowed';
  return names.length > 0 ? undefined : 'DNS or IP subject alternative name is required';
}
