import { isDeepStrictEqual } from 'node:util';
import type { Endpoint, EndpointPort, EndpointSlice, OwnerReference } from '../../kube/mod.ts';
import type { IpFamily } from './service-pods.ts';

export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';

/** An endpoint and the ports it serves on: endpoints share a slice only with those of the same ports. */
export interface WantedEndpoint {
  readonly endpoint: Endpoint;
  readonly ports: EndpointPort[];
}

/** What all slices of one owner have in common. */
export interface SliceFrame {
  readonly metadata: {
    readonly generateName: string;
    readonly namespace?: string;
    readonly labels: Record<string, string>;
    readonly annotations?: Record<string, string>;
    readonly ownerReferences: OwnerReference[];
  };
  readonly maxEndpoints: number;
  /** Whether there is a slice also when there are no endpoints. */
  readonly keepsOneEmpty: boolean;
}

export interface SliceWrites {
  readonly create: readonly NewSlice[];
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly EndpointSlice[];
}

export type NewSlice = ReturnType<typeof newSlice>;

interface Contents {
  readonly ports: EndpointPort[];
  readonly endpoints: Endpoint[];
}

/** A slice as it is and as it is to be; no `slice`: to be created; no `contents`: to be deleted. */
interface SlicePlan {
  slice?: EndpointSlice;
  contents?: Contents;
}

/**
 * The fewest writes that make an owner's slices hold what is wanted: an endpoint stays where it is, a new one goes first
 * into a slice that is written anyway.
 * @param wanted of each family that there is to be
 * @param existing the slices of this owner that the controller manages
 */
export function planSlices(
  frame: SliceFrame,
  wanted: ReadonlyMap<IpFamily, readonly WantedEndpoint[]>,
  existing: readonly EndpointSlice[],
): SliceWrites {
  const writes: Writes = { create: [], update: [], delete: [] };
  for (const family of families) {
    const slices = existing.filter(({ addressType }) => addressType === family);
    const endpoints = wanted.get(family);
    if (!endpoints) writes.delete.push(...slices);
    else addWrites(writes, frame, family, planFamily(frame, endpoints, slices));
  }
  return writes;
}

const families = ['IPv4', 'IPv6'] as const;

function planFamily(
  { maxEndpoints, keepsOneEmpty }: SliceFrame,
  wanted: readonly WantedEndpoint[],
  existing: readonly EndpointSlice[],
): SlicePlan[] {
  const wantedByPorts = Map.groupBy(wanted, ({ ports }) => portsKey(ports));
  const slicesByPorts = Map.groupBy(existing, ({ ports }) => portsKey(ports ?? []));
  const plans = [...new Set([...wantedByPorts.keys(), ...slicesByPorts.keys()])].flatMap((key) =>
    planGroup(wantedByPorts.get(key) ?? [], slicesByPorts.get(key) ?? [], maxEndpoints),
  );
  if (wanted.length === 0 && keepsOneEmpty) keepOneEmpty(plans);
  return reuse(plans);
}

const portsKey = (ports: readonly EndpointPort[]): string =>
  JSON.stringify(ports.map(({ name, protocol, port, appProtocol }) => [name, protocol, port, appProtocol]));

const identityOf = ({ targetRef, addresses }: Endpoint): string => targetRef?.uid ?? addresses[0] ?? '';

/** Slices and endpoints that have the same ports. */
function planGroup(
  wanted: readonly WantedEndpoint[],
  slices: readonly EndpointSlice[],
  maxEndpoints: number,
): SlicePlan[] {
  const missing = new Map(wanted.map(({ endpoint }) => [identityOf(endpoint), endpoint]));
  const ports = wanted[0]?.ports ?? slices[0]?.ports ?? [];
  const kept = slices.map((slice) => {
    const endpoints = slice.endpoints.flatMap((endpoint) => take(missing, identityOf(endpoint)));
    return { slice, contents: { ports, endpoints } };
  });
  const plans = [...kept, ...place([...missing.values()], kept, ports, maxEndpoints)];
  return plans.map((plan) => (plan.contents.endpoints.length === 0 ? { slice: plan.slice! } : plan));
}

function take(endpoints: Map<string, Endpoint>, identity: string): Endpoint[] {
  const found = endpoints.get(identity);
  endpoints.delete(identity);
  return found ? [found] : [];
}

/** Puts new endpoints into slices with room and returns the further slices that they need. */
function place(
  missing: Endpoint[],
  kept: readonly { readonly slice: EndpointSlice; readonly contents: Contents }[],
  ports: EndpointPort[],
  maxEndpoints: number,
): { slice?: EndpointSlice; contents: Contents }[] {
  const isChanged = ({ slice, contents }: (typeof kept)[number]) =>
    !isDeepStrictEqual(slice.endpoints, contents.endpoints);
  const fullestFirst = [...kept].sort((a, b) => b.contents.endpoints.length - a.contents.endpoints.length);
  for (const { contents } of fullestFirst.filter(isChanged)) fill(contents, missing, maxEndpoints);
  // One slice that takes all the rest is one write, as a new one would be; filling up several would be several.
  const roomy = fullestFirst.find(({ contents }) => contents.endpoints.length + missing.length <= maxEndpoints);
  if (roomy) fill(roomy.contents, missing, maxEndpoints);
  const further = [];
  while (missing.length > 0) further.push({ contents: { ports, endpoints: missing.splice(0, maxEndpoints) } });
  return further;
}

function fill({ endpoints }: Contents, missing: Endpoint[], maxEndpoints: number): void {
  endpoints.push(...missing.splice(0, Math.max(0, maxEndpoints - endpoints.length)));
}

function keepOneEmpty(plans: SlicePlan[]): void {
  const empty = { ports: [], endpoints: [] };
  const alreadyEmpty = plans.find(({ slice }) => slice?.endpoints.length === 0 && (slice.ports ?? []).length === 0);
  const chosen = alreadyEmpty ?? plans[0];
  if (chosen) chosen.contents = empty;
  else plans.push({ contents: empty });
}

/** A slice to delete and one to create become one to update. */
function reuse(plans: readonly SlicePlan[]): SlicePlan[] {
  const spare = plans.filter(({ contents }) => !contents);
  const rest = plans.filter(({ contents }) => contents);
  for (const plan of rest) if (!plan.slice && spare.length > 0) plan.slice = spare.shift()!.slice!;
  return [...rest, ...spare];
}

type Writes = { readonly [Kind in keyof SliceWrites]: SliceWrites[Kind][number][] };

function addWrites(writes: Writes, frame: SliceFrame, family: IpFamily, plans: readonly SlicePlan[]): void {
  for (const { slice, contents } of plans) {
    if (!contents) writes.delete.push(slice!);
    else if (!slice) writes.create.push(newSlice(frame, family, contents));
    else {
      const after = withContents(frame, slice, contents);
      if (!isDeepStrictEqual(after, slice)) writes.update.push(after);
    }
  }
}

const newSlice = ({ metadata }: SliceFrame, family: IpFamily, contents: Contents) => ({
  metadata,
  addressType: family,
  ...contents,
});

function withContents({ metadata }: SliceFrame, slice: EndpointSlice, contents: Contents): EndpointSlice {
  const { generateName: _, namespace: _namespace, ...framed } = metadata;
  return { ...slice, ...contents, metadata: { ...slice.metadata, ...framed } };
}
