import { Endpoints, Pod, Service } from '../../kube/mod.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { ControllerLoop } from '../shared/loop.ts';
import { hasManagedEndpoints, podsOf, servicesTouched } from '../shared/service-pods.ts';
import { planEndpoints } from './plan.ts';

/** Keeps the Endpoints object, the older form, of every Service that has a selector; keys are Services. */
export function startEndpointsController(context: ControllerContext): StopController {
  const { client, informers } = context;
  const services = informers.of(Service);
  const endpoints = informers.of(Endpoints);
  const loop = new ControllerLoop(context, { name: 'endpoints', sync });

  services.onChange(({ key }) => loop.add(key));
  endpoints.onChange(({ key }) => loop.add(key));
  informers.of(Pod).onChange((change) => {
    for (const key of servicesTouched(informers, change)) loop.add(key);
  });

  async function sync(key: string): Promise<void> {
    const service = services.get(key);
    // The Endpoints of a Service that is gone go with it, by their owner reference.
    if (!service || service.metadata.deletionTimestamp || !hasManagedEndpoints(service)) return;
    const write = planEndpoints(service, podsOf(informers, service), endpoints.get(key));
    if (!write) return;
    if (write.type === 'create') loop.wrote(key, endpoints, await client.create(Endpoints, write.endpoints));
    else loop.wrote(key, endpoints, await client.update(Endpoints, write.endpoints));
  }

  return () => loop.stop();
}
