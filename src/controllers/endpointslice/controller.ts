import { isDeepStrictEqual } from 'node:util';
import { EndpointSlice, keyOf, Node, Pod, Service } from '../../kube/mod.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { deleteObject } from '../shared/delete-object.ts';
import { serviceNameLabel } from '../shared/indexes.ts';
import { ControllerLoop } from '../shared/loop.ts';
import { familiesOf, hasManagedEndpoints, podsOf, servicesTouched } from '../shared/service-pods.ts';
import { managedByLabel, planSlices } from '../shared/slices.ts';
import { wantedEndpoints } from './endpoint.ts';
import { nodeShareOf, wantsAuto, withHints, type ZoneShares, zoneSharesOf } from './hints.ts';
import { frameOf, managerName } from './plan.ts';

/** Keeps the EndpointSlices of every Service that has a selector; keys are Services. */
export function startEndpointSliceController(context: ControllerContext): StopController {
  const { client, informers } = context;
  const services = informers.of(Service);
  const slices = informers.of(EndpointSlice);
  const nodes = informers.of(Node);
  const loop = new ControllerLoop(context, { name: 'endpointslice', sync });
  let shares: ZoneShares;

  services.onChange(({ key }) => loop.add(key));
  informers.of(Pod).onChange((change) => {
    for (const key of servicesTouched(informers, change)) loop.add(key);
  });
  slices.onChange(({ before, after }) => {
    const slice = after ?? before!;
    const name = slice.metadata.labels?.[serviceNameLabel];
    if (name !== undefined && isManaged(slice)) loop.add(`${slice.metadata.namespace}/${name}`);
  });
  // A Pod can be seen before its node is, and is left out of the slices until then.
  nodes.onChange(({ key, before, after }) => {
    if (!isDeepStrictEqual(before && nodeShareOf(before), after && nodeShareOf(after))) seeShares();
    if (before && after) return;
    for (const pod of informers.of(Pod).byIndex('node', key)) {
      for (const service of servicesTouched(informers, { key: keyOf(pod), after: pod })) loop.add(service);
    }
  });

  function seeShares(): void {
    const now = zoneSharesOf(nodes.list());
    if (isDeepStrictEqual(now, shares)) return;
    shares = now;
    for (const service of services.list()) if (wantsAuto(service)) loop.add(keyOf(service));
  }

  async function sync(key: string): Promise<void> {
    const service = services.get(key);
    // The slices of a Service that is gone go with it, by their owner reference.
    if (!service || service.metadata.deletionTimestamp || !hasManagedEndpoints(service)) return;
    const pods = podsOf(informers, service);
    const nodeOf = (name: string) => nodes.get(name);
    const wanted = new Map(
      familiesOf(service).map((family) => [
        family,
        withHints(service, wantedEndpoints(service, pods, nodeOf, family), shares),
      ]),
    );
    const writes = planSlices(frameOf(service), wanted, [...slices.byIndex('service', key)].filter(isManaged));
    await Promise.all([
      ...writes.create.map(async (slice) => loop.wrote(key, slices, await client.create(EndpointSlice, slice))),
      ...writes.update.map(async (slice) => loop.wrote(key, slices, await client.update(EndpointSlice, slice))),
      ...writes.delete.map((slice) => deleteObject(client, EndpointSlice, slice)),
    ]);
  }

  return () => loop.stop();
}

const isManaged = ({ metadata }: EndpointSlice): boolean =>
  metadata.labels?.[managedByLabel] === managerName && metadata.deletionTimestamp === undefined;
