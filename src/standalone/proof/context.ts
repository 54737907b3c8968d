import type { Clock } from '../../base/clock.ts';
import { OperatingError } from '../../base/errors.ts';
import type { Client } from '../../client/port.ts';
import { EndpointSlice, Endpoints, Pod, Service } from '../../kube/mod.ts';
import type { ClusterLayout, NodeLayout } from '../layout.ts';
import type { Attempt, Place, TrafficStream } from '../traffic.ts';
import { until } from '../wait.ts';

/** What a check works with: a running cluster, and the Pod that the checks call from. */
export interface ProofContext {
  readonly layout: ClusterLayout;
  readonly client: Client;
  readonly clock: Clock;
  /** The Service under test and its VIP. */
  readonly serviceName: string;
  readonly vip: string;
  /** Inside the client Pod. */
  readonly clientPod: Place;
  /** A machine on the fabric that is no part of the cluster. */
  readonly outside: Place;
  /** The namespaces of a running Pod. */
  placeOf(namespace: string, pod: string): Place;
  /** A Pod in default to call from; `spec` is what it has besides its container. */
  runClientPod(name: string, spec?: object): Promise<Place>;
  deletePod(namespace: string, pod: string): Promise<void>;
  /** kill -9 */
  killServer(): void;
  /** kill -9 to every service proxy; resolves to how many there were. */
  killProxies(): Promise<number>;
  /** kill -9 */
  killDns(node: NodeLayout): void;
  /** Whether `count` proxies run and have programmed the kernel since. */
  proxiesAreBack(count: number): Promise<boolean>;
  /** Sends one ICMP echo request; whether an answer came. */
  ping(from: Place, address: string): Promise<boolean>;
}

/** One promise of the README: resolves to what was seen, in a line; rejects when it does not hold. */
export interface Check {
  readonly title: string;
  run(context: ProofContext): Promise<string>;
}

export function demand(condition: boolean, what: string, found: string): asserts condition {
  if (!condition) throw new OperatingError(what, 'not-so', found);
}

/** Addresses of the Service's endpoints that may get new connections, from its slices. */
export async function readyAddresses({ client }: ProofContext, service: string): Promise<string[]> {
  const slices = await client.list(EndpointSlice, {
    namespace: 'default',
    labelSelector: `kubernetes.io/service-name=${service}`,
  });
  const ready = slices.items.flatMap((slice) =>
    slice.endpoints.filter(({ conditions }) => conditions?.ready !== false),
  );
  return ready.flatMap((endpoint) => endpoint.addresses).sort();
}

/** The same from the older Endpoints object. */
export async function endpointAddresses({ client }: ProofContext, service: string): Promise<string[]> {
  const { subsets } = await client.get(Endpoints, service, { namespace: 'default' });
  return (subsets ?? []).flatMap(({ addresses }) => (addresses ?? []).map(({ ip }) => ip)).sort();
}

export const podsOf = async ({ client }: ProofContext, app: string): Promise<Pod[]> =>
  (await client.list(Pod, { namespace: 'default', labelSelector: `app=${app}` })).items;

export const vipOf = async ({ client }: ProofContext, service: string): Promise<string> =>
  (await client.get(Service, service, { namespace: 'default' })).spec.clusterIP ?? '';

/** Waits until the Service has exactly so many ready endpoints. */
export const readyEndpoints = (context: ProofContext, service: string, count: number): Promise<string[]> =>
  until(context.clock, `Service ${service} has ${count} ready endpoints`, async () => {
    const addresses = await readyAddresses(context, service);
    return addresses.length === count && addresses;
  });

/** How often each Pod answered. */
export function countAnswers(attempts: readonly Attempt[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { answer } of attempts) if (answer !== undefined) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return counts;
}

export const failuresOf = (attempts: readonly Attempt[]): Attempt[] =>
  attempts.filter(({ error }) => error !== undefined);

/** Ends a stream of connections and demands that every one of them was answered. */
export async function endUnharmed(stream: TrafficStream, during: string): Promise<number> {
  const attempts = await stream.stop();
  const failures = failuresOf(attempts);
  demand(
    failures.length === 0,
    `Every connection is answered while ${during}`,
    `${failures.length} of ${attempts.length} failed, first: ${failures[0]?.error}`,
  );
  return attempts.length;
}
