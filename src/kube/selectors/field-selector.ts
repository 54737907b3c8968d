import { InputError } from '../errors.ts';
import type { KubeObject } from '../meta.ts';
import type { Resource } from '../resource.ts';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

// biome-ignore lint/suspicious/noExplicitAny: each reader knows the kind that it is listed under
type FieldReader = (object: any) => string | number | boolean | undefined;

const everywhere: Record<string, FieldReader> = {
  'metadata.name': (object) => object.metadata.name,
  'metadata.namespace': (object) => object.metadata.namespace,
};

const involvedObject = Object.fromEntries(
  ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
    (name): [string, FieldReader] => [`involvedObject.${name}`, (event) => event.involvedObject?.[name]],
  ),
);

/** What upstream's conversions let a client select by, for each kind that has more than name and namespace. */
const byKind: Readonly<Record<string, Record<string, FieldReader>>> = {
  Pod: {
    'spec.nodeName': (pod) => pod.spec?.nodeName,
    'spec.restartPolicy': (pod) => pod.spec?.restartPolicy,
    'spec.schedulerName': (pod) => pod.spec?.schedulerName,
    'spec.serviceAccountName': (pod) => pod.spec?.serviceAccountName,
    'spec.hostNetwork': (pod) => pod.spec?.hostNetwork ?? false,
    'status.phase': (pod) => pod.status?.phase,
    'status.podIP': (pod) => pod.status?.podIP,
    'status.podIPs': (pod) => pod.status?.podIP,
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName,
  },
  Event: {
    ...involvedObject,
    reason: (event) => event.reason,
    reportingComponent: (event) => event.reportingComponent,
    source: (event) => event.source?.component || event.reportingComponent,
    type: (event) => event.type,
  },
  CertificateSigningRequest: { 'spec.signerName': (request) => request.spec?.signerName },
  Secret: { type: (secret) => secret.type },
  Node: { 'spec.unschedulable': (node) => node.spec?.unschedulable ?? false },
  Namespace: { 'status.phase': (namespace) => namespace.status?.phase },
  ReplicaSet: { 'status.replicas': (replicaSet) => replicaSet.status?.replicas ?? 0 },
  Service: { 'spec.clusterIP': (service) => service.spec?.clusterIP, 'spec.type': (service) => service.spec?.type },
};

/** Asked for every object on every watch: put together once. */
const readers = new Map(Object.entries(byKind).map(([kind, own]) => [kind, { ...everywhere, ...own }]));
const readersOf = ({ kind }: Resource): Readonly<Record<string, FieldReader>> => readers.get(kind) ?? everywhere;

/** `spec.nodeName=node1,status.phase!=Running`. Throws InputError for a field that the kind cannot be selected by. */
export function parseFieldSelector(resource: Resource, text: string): FieldRequirement[] {
  const known = readersOf(resource);
  return splitTerms(text).map((term) => {
    const requirement = parseTerm(term, text);
    if (!Object.hasOwn(known, requirement.field)) throw malformed(unknownField(resource, requirement.field));
    return requirement;
  });
}

export function matchesFields(
  resource: Resource,
  requirements: readonly FieldRequirement[],
  object: KubeObject,
): boolean {
  if (requirements.length === 0) return true;
  const known = readersOf(resource);
  return requirements.every(({ field, operator, value }) => {
    const found = String(known[field]?.(object) ?? '');
    return operator === '=' ? found === value : found !== value;
  });
}

/** The object that a selector pins by name, if it does: a watch on one object needs to look at no other. */
export const nameIn = (requirements: readonly FieldRequirement[]): string | undefined =>
  requirements.find(({ field, operator }) => field === 'metadata.name' && operator === '=')?.value;

/** At commas; a backslash takes the next character as it is (fields.EscapeValue). */
const splitTerms = (text: string): string[] => text.match(/(?:\\[\s\S]|[^\\,]|\\$)+/g) ?? [];

function parseTerm(term: string, selector: string): FieldRequirement {
  const match = /^([^=!]*)(!=|==|=)(.*)$/s.exec(term);
  if (!match) throw malformed(`invalid selector: '${selector}'; can't understand '${term}'`);
  const [, field, operator, value] = match;
  return { field: field!, operator: operator === '!=' ? '!=' : '=', value: unescapeValue(value!) };
}

const unescapeValue = (value: string) =>
  value.replace(/\\(.?)|=/gs, (part, escaped?: string) => {
    if (escaped === undefined || !/[\\,=]/.test(escaped))
      throw malformed(`invalid field selector value: ${value}: unescaped or unknown ${part}`);
    return escaped;
  });

const unknownField = (resource: Resource, field: string) =>
  byKind[resource.kind]
    ? `field label not supported: ${field}`
    : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`;

const malformed = (detail: string) => new InputError('Parse a field selector', 'malformed', detail);
