import { recordTypes, typeText } from '../../wire/dns/mod.ts';
import { podLabelAddress } from './address-index.ts';
import type { PodRecords } from './cluster-zone.ts';
import { explainService } from './explain-service.ts';
import type { NamespaceIndex } from './namespaces.ts';
import { orRather, type Suggestions } from './suggest.ts';

/** What the explainer may look at. */
export interface ZoneFacts {
  readonly index: NamespaceIndex;
  readonly suggestions: Suggestions;
  readonly podRecords: PodRecords;
  /** Nobody tells this server of endpoints. */
  readonly withoutEndpoints: boolean;
}

/** A name, or a record of a name, that is not there. */
export interface Missing {
  /** The labels before the cluster's domain. */
  readonly below: readonly string[];
  readonly domain: string;
  readonly type: number;
}

/** The sentence goes into an Extended DNS Error (RFC 8914). */
export function explainMissing(missing: Missing, facts: ZoneFacts): string {
  const { below, type, domain } = missing;
  const kind = below.at(-1);
  const namespace = below.at(-2);
  if (kind === undefined || below.join('.') === 'dns-version' || below.at(-1) === 'dns')
    return noRecord(below, missing);
  if (kind !== 'svc' && kind !== 'pod') return explainOtherKind(missing, facts);
  if (namespace === undefined) return noRecord(below, missing);
  if (!facts.index.has(namespace)) return explainNamespace(namespace, facts);
  if (below.length === 2) return `Namespace ${namespace} has no ${typeText(type)} record, only names below it do`;
  const names = below.slice(0, -2);
  return kind === 'pod'
    ? explainPod(names, namespace, type, facts.podRecords)
    : explainService({ names, namespace, type, domain }, facts);
}

/** A name outside of the cluster's domain that looks like a Service's: what was probably meant. */
export function explainElsewhere(labels: readonly string[], domain: string, { index }: ZoneFacts): string | undefined {
  const at = labels.indexOf('svc');
  const [service, namespace] = at < 0 ? labels.slice(0, 2) : labels.slice(Math.max(0, at - 2), at);
  if (service === undefined || namespace === undefined || (at < 0 && labels.length > 2)) return undefined;
  if (!index.entry(namespace, service)?.service) {
    return at < 0 || !index.has(namespace) ? undefined : `The name is not below ${domain}, the cluster's domain`;
  }
  const front = at < 0 ? [] : labels.slice(0, at - 2);
  const meant = [...front, service, namespace, 'svc', domain].join('.');
  return `The name is not below ${domain}, the cluster's domain; did you mean ${meant}?`;
}

const noRecord = (below: readonly string[], { type, domain }: Missing): string =>
  `No ${typeText(type)} record at ${[...below, domain].join('.')}`;

function explainOtherKind({ below, domain }: Missing, { index }: ZoneFacts): string {
  const general = 'Names of the cluster end in svc or pod before its domain';
  // `web.default.cluster.local`, `web.default.scv.cluster.local`
  for (const [service, namespace] of [below.slice(-2), below.slice(-3, -1)]) {
    if (service === undefined || namespace === undefined || !index.entry(namespace, service)?.service) continue;
    return `${general}; did you mean ${service}.${namespace}.svc.${domain}?`;
  }
  return general;
}

function explainNamespace(namespace: string, { index, suggestions }: ZoneFacts): string {
  if (index.isPassedOver(namespace)) return `Namespace ${namespace} is not one of those that are answered for here`;
  return orRather(`No namespace ${namespace}`, suggestions.nearestNamespace(namespace));
}

function explainPod(names: readonly string[], namespace: string, type: number, mode: PodRecords): string {
  if (mode === 'disabled') return 'Pod records are disabled (pods disabled)';
  const label = names.join('.');
  if (/^\d+\.\d+\.\d+\.\d+$/.test(label)) return `${label} is written with dashes: ${label.replaceAll('.', '-')}`;
  if (!podLabelAddress(label))
    return `${label} is no address with dashes: Pods have names by their address, such as 10-244-1-7`;
  if (!isOfFamily(label, type)) return `${label} has no ${typeText(type)} record`;
  return `No Pod of namespace ${namespace} has the address ${label} (pods verified)`;
}

function isOfFamily(label: string, type: number): boolean {
  const length = podLabelAddress(label)?.length;
  return (type === recordTypes.A && length === 4) || (type === recordTypes.AAAA && length === 16);
}
