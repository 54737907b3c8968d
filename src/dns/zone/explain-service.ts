import { recordTypes, typeText } from '../../wire/dns/mod.ts';
import type { ZoneFacts } from './explain.ts';
import { addressText, type EndpointFacts, type PortFacts } from './facts.ts';
import type { ServiceEntry } from './service-entry.ts';
import { orRather } from './suggest.ts';

/** A name at or below `<service>.<namespace>.svc.<domain>` that is not there, or has no such record. */
export interface MissingService {
  /** The labels before the namespace's. */
  readonly names: readonly string[];
  readonly namespace: string;
  readonly type: number;
  readonly domain: string;
}

/** More would not fit into a sentence. */
const mostNamed = 3;

export function explainService(missing: MissingService, facts: ZoneFacts): string {
  const { names, namespace, type } = missing;
  const service = names.at(-1)!;
  const entry = facts.index.entry(namespace, service);
  if (!entry?.service) {
    return orRather(`No Service ${service} in namespace ${namespace}`, facts.suggestions.nearest(namespace, service));
  }
  const subject = `Service ${namespace}/${service}`;
  if (entry.service.kind === 'addressless') return `${subject} exists, ${entry.service.reason}`;
  const isAlias = entry.service.kind === 'external-name';
  if (entry.isIgnored() || (entry.service.kind === 'headless' && entry.published().length === 0)) {
    return `${subject} exists, ${readiness(entry, facts)}`;
  }
  if (names.length === 1) return isAlias ? explainAlias(subject, entry) : explainType(subject, entry, type);
  if (isAlias) return `${subject} is an ExternalName: there are no names below it`;
  return explainBelow(subject, entry, missing);
}

function explainBelow(subject: string, entry: ServiceEntry, { names, type }: MissingService): string {
  const below = names.slice(0, -1);
  const [first = '', second] = below;
  if (below.length > 2) return `${subject} exists, there are no names so far below it`;
  if (second !== undefined) return explainPort(subject, entry, first, second, type);
  if (/^_(tcp|udp|sctp)$/.test(first))
    return `${subject} has no named port of protocol ${first.slice(1).toUpperCase()}`;
  return explainEndpoint(subject, entry, first, type);
}

function readiness(entry: ServiceEntry, { withoutEndpoints }: ZoneFacts): string {
  if (withoutEndpoints) return 'and its endpoints are not known here (noendpoints)';
  const count = entry.endpoints().length;
  return count === 0 ? 'without an endpoint' : `0 of ${count} endpoints are ready`;
}

const explainAlias = (subject: string, { service }: ServiceEntry): string =>
  `${subject} is an ExternalName for ${service?.kind === 'external-name' ? service.target : ''}, which is no name that DNS can carry`;

function explainType(subject: string, entry: ServiceEntry, type: number): string {
  const family = familyOf(type);
  if (!family) return `${subject} has no ${typeText(type)} record, but A, AAAA and SRV records`;
  if (entry.service?.kind !== 'cluster-ip')
    return `${subject} is headless, none of its ready endpoints has an ${family} address`;
  return `${subject} has no ${family} address: ${entry.service.addresses.map(addressText).join(', ')}`;
}

function explainPort(subject: string, entry: ServiceEntry, port: string, protocol: string, type: number): string {
  const named = entry.namedPorts();
  const name = port.replace(/^_/, '');
  const spelled = (one: PortFacts) => `_${one.name}._${one.protocol}`;
  if (named.some((one) => spelled(one) === `${port}.${protocol}`)) {
    return `${subject} has no ${typeText(type)} record for its port ${name}, but an SRV record`;
  }
  const same = named.find((one) => one.name === name);
  if (same) return `${subject} has its port ${name} under ${spelled(same)}`;
  const known = named.length === 0 ? 'its ports have no names' : `its named ports are ${some(named.map(spelled))}`;
  return `${subject} has no port named ${name}: ${known}`;
}

function explainEndpoint(subject: string, entry: ServiceEntry, hostname: string, type: number): string {
  const all = entry.endpoints();
  const same = all.filter((endpoint) => endpoint.hostname === hostname);
  if (same.some((endpoint) => entry.publishes(endpoint))) {
    return `Endpoint ${hostname} of ${subject} has no ${familyOf(type) ?? typeText(type)} ${familyOf(type) ? 'address' : 'record'}`;
  }
  if (same.length > 0) return `Endpoint ${hostname} of ${subject} is there, but not ready`;
  const published = entry.published();
  if (entry.service?.kind === 'cluster-ip') return notHeadless(subject, hostname, published);
  return `${subject} has no endpoint named ${hostname}: ${published.length === 1 ? 'its only one is' : `its ${published.length} ready ones are`} ${some(hostnames(published))}`;
}

/** Endpoints of Services with a cluster IP have names too, as CoreDNS has it; what people look for there is Pods by name. */
function notHeadless(subject: string, hostname: string, published: readonly EndpointFacts[]): string {
  const named =
    published.length === 0 ? 'no endpoint of it is ready' : `its endpoints are ${some(hostnames(published))}`;
  return `${subject} is not headless, so its Pods have no names below it, and none is ${hostname}: ${named}`;
}

const hostnames = (endpoints: readonly EndpointFacts[]): string[] => [
  ...new Set(endpoints.map(({ hostname }) => hostname)),
];

const some = (names: readonly string[]): string =>
  names.length <= mostNamed ? names.join(', ') : `${names.slice(0, mostNamed).join(', ')}, …`;

const familyOf = (type: number): 'IPv4' | 'IPv6' | undefined =>
  type === recordTypes.A ? 'IPv4' : type === recordTypes.AAAA ? 'IPv6' : undefined;
