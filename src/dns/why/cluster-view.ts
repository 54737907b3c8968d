import { messageOf } from '../../base/errors.ts';
import { type Client, isNotFound } from '../../client/mod.ts';
import { ConfigMap, EndpointSlice, keyOf, Namespace, Pod, Service } from '../../kube/mod.ts';
import { responseCodes } from '../../wire/dns/mod.ts';
import { codeOnly, compose } from '../chain/mod.ts';
import { readCorefile, type ServerBlock } from '../corefile/mod.ts';
import { createKubernetesPlugin } from '../plugins/kubernetes/mod.ts';
import { Responder } from '../server/mod.ts';
import { zoneOptionsOf } from '../service/mod.ts';
import { ClusterZone, type ZoneOptions } from '../zone/mod.ts';

/** The cluster as its API server has it at this moment. */
export interface ClusterView {
  readonly zone: ClusterZone;
  readonly clusterDomain: string;
  readonly namespaces: ReadonlySet<string>;
  readonly services: ReadonlyMap<string, Service>;
  readonly pods: ReadonlyMap<string, Pod>;
  /** Addresses of the Service by which Pods reach the DNS servers. */
  readonly dnsAddresses: readonly string[];
  /** What our own server would answer from these objects; undefined: the name is not the cluster's. */
  expect(packet: Buffer): Buffer | undefined;
  readonly notes: readonly string[];
}

const serverNamespace = 'kube-system';
const serverLabels = { 'k8s-app': 'kube-dns' };

/** Rejects with ApiError. */
export async function viewCluster(
  client: Client,
  clusterDomain: string | undefined,
  now: () => number,
): Promise<ClusterView> {
  const [services, slices, namespaces, pods] = await Promise.all([
    client.list(Service),
    client.list(EndpointSlice),
    client.list(Namespace),
    client.list(Pod),
  ]);
  const { options, fallthrough, notes } = await optionsFrom(client, clusterDomain, now);
  const zone = new ClusterZone(options);
  for (const after of namespaces.items) zone.applyNamespace({ key: after.metadata.name, after });
  for (const after of services.items) zone.applyService({ key: keyOf(after), after });
  for (const after of slices.items) zone.applySlice({ key: keyOf(after), after });
  for (const after of pods.items) zone.applyPod({ key: keyOf(after), after });
  return {
    zone,
    clusterDomain: options.clusterDomain,
    namespaces: new Set(namespaces.items.map(({ metadata }) => metadata.name)),
    services: new Map(services.items.map((service) => [keyOf(service), service])),
    pods: new Map(pods.items.map((pod) => [keyOf(pod), pod])),
    dnsAddresses: dnsAddressesIn(services.items),
    expect: expectation(zone, fallthrough),
    notes,
  };
}

function dnsAddressesIn(services: readonly Service[]): readonly string[] {
  const own = services.filter(({ metadata }) => metadata.namespace === serverNamespace);
  const found =
    own.find(({ metadata }) => metadata.name === 'kube-dns') ??
    own.find(({ metadata }) => metadata.labels?.['k8s-app'] === serverLabels['k8s-app']);
  const { clusterIPs, clusterIP } = found?.spec ?? {};
  return (clusterIPs?.length ? clusterIPs : [clusterIP ?? '']).filter(
    (address) => address !== '' && address !== 'None',
  );
}

/** Names that are not the cluster's get REFUSED, which the zone itself never says. */
function expectation(zone: ClusterZone, fallthrough: readonly string[]): ClusterView['expect'] {
  const kubernetes = createKubernetesPlugin({ zone, isSynced: () => true, ttlSeconds: 5, fallthrough });
  const responder = new Responder(compose([kubernetes], () => codeOnly(responseCodes.Refused)));
  return (packet) => {
    const transport = { kind: 'tcp', maxUdpBytes: 1232 } as const;
    const reply = responder.respond(packet, transport, { address: '127.0.0.1', port: 0 });
    // An alias is followed in the background; where it leads is the server's to say.
    if (!Buffer.isBuffer(reply) || (reply[3]! & 0xf) === responseCodes.Refused) return undefined;
    return reply;
  };
}

/** As the servers' Corefile says, where there is one. */
async function optionsFrom(client: Client, clusterDomain: string | undefined, now: () => number) {
  const base: ZoneOptions = {
    clusterDomain: clusterDomain ?? 'cluster.local',
    ttlSeconds: 5,
    podRecords: 'insecure',
    reverseCidrs: [],
    nameServerService: `${serverNamespace}/kube-dns`,
    nowSeconds: () => Math.floor(now() / 1000),
  };
  const assumed = (...notes: string[]) => ({ options: base, fallthrough: [], notes });
  const text = await corefileOf(client);
  if (text === undefined) return assumed();
  try {
    const { blocks } = readCorefile('ConfigMap kube-system/coredns, Corefile', inMemory(text));
    const block = blocks.find(({ directives }) => directives.kubernetes);
    if (!block?.directives.kubernetes) return assumed("The servers' Corefile has no kubernetes directive");
    const options = { ...base, ...zoneOptionsOf(block.directives.kubernetes) };
    return {
      options: clusterDomain === undefined ? options : { ...options, clusterDomain },
      fallthrough: block.directives.kubernetes.fallthrough ?? [],
      notes: notesOf(block),
    };
  } catch (error) {
    return assumed(`The servers' Corefile cannot be read, defaults are assumed: ${messageOf(error)}`);
  }
}

async function corefileOf(client: Client): Promise<string | undefined> {
  try {
    const { data } = await client.get(ConfigMap, 'coredns', { namespace: serverNamespace });
    return data?.Corefile;
  } catch (error) {
    // Who may not read it (403) still gets all the rest.
    if (isNotFound(error) || (error as { statusCode?: number }).statusCode === 403) return undefined;
    throw error;
  }
}

/** Files that the Corefile imports are on the servers. */
const inMemory = (text: string) => ({ environment: {}, read: () => text, glob: () => [] });

const notesOf = ({ directives }: ServerBlock): string[] =>
  directives.autopath
    ? [
        'The servers search themselves (autopath): a Pod gets the answer to its first question, which we cannot ask from here',
      ]
    : [];
