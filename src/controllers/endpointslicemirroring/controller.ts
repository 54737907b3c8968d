import { EndpointSlice, Endpoints, Service } from '../../kube/mod.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { deleteObject } from '../shared/delete-object.ts';
import { serviceNameLabel } from '../shared/indexes.ts';
import { ControllerLoop } from '../shared/loop.ts';
import { managedByLabel } from '../shared/slices.ts';
import { isMirrored, managerName, maxAddresses, planMirror } from './plan.ts';

/**
 * Makes slices of the Endpoints that somebody wrote by hand for a Service without a selector: proxies and DNS read slices
 * only. Keys are Endpoints, which bear the name of their Service.
 */
export function startEndpointSliceMirroringController(context: ControllerContext): StopController {
  const { client, informers, recorder } = context;
  const services = informers.of(Service);
  const endpoints = informers.of(Endpoints);
  const slices = informers.of(EndpointSlice);
  const loop = new ControllerLoop(context, { name: 'endpointslicemirroring', sync });

  services.onChange(({ key }) => loop.add(key));
  endpoints.onChange(({ key }) => loop.add(key));
  slices.onChange(({ before, after }) => {
    const { metadata } = after ?? before!;
    const name = metadata.labels?.[serviceNameLabel];
    if (name !== undefined && isOurs(after ?? before!)) loop.add(`${metadata.namespace}/${name}`);
  });

  async function sync(key: string): Promise<void> {
    const source = endpoints.get(key);
    const mine = [...slices.byIndex('service', key)].filter(isOurs);
    if (!source || !isMirrored(source, services.get(key))) {
      await Promise.all(mine.map((slice) => deleteObject(client, EndpointSlice, slice)));
      return;
    }
    const { writes, invalid, excess } = planMirror(source, mine);
    if (writes.create.length + writes.update.length > 0) tell(source, invalid, excess);
    await Promise.all([
      ...writes.create.map(async (slice) => loop.wrote(key, slices, await client.create(EndpointSlice, slice))),
      ...writes.update.map(async (slice) => loop.wrote(key, slices, await client.update(EndpointSlice, slice))),
      ...writes.delete.map((slice) => deleteObject(client, EndpointSlice, slice)),
    ]);
  }

  function tell(source: Endpoints, invalid: number, excess: number): void {
    if (invalid > 0)
      recorder.record(
        source,
        'Warning',
        'InvalidIPAddress',
        `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`,
      );
    if (excess > 0)
      recorder.record(
        source,
        'Warning',
        'TooManyAddressesToMirror',
        `A max of ${maxAddresses} addresses can be mirrored to EndpointSlices per Endpoints subset. ${excess} addresses were skipped`,
      );
  }

  return () => loop.stop();
}

const isOurs = ({ metadata }: EndpointSlice): boolean =>
  metadata.labels?.[managedByLabel] === managerName && metadata.deletionTimestamp === undefined;
