import type { Container, Pod } from '../../kube/mod.ts';
import { PodError } from '../errors.ts';
import type { Catalogue } from '../runtime/catalogue.ts';
import type { ContainerConfig } from '../runtime/port.ts';
import type { PodVolumes } from '../volumes/pod-volumes.ts';
import { type EnvironmentSources, environmentOf, type PodPlace } from './environment.ts';
import { expand } from './expand.ts';

/** What the runtime is to run for a container. Throws PodError `image` or `config`. */
export async function containerConfigOf(
  pod: Pod,
  container: Container,
  attempt: number,
  place: PodPlace,
  sources: EnvironmentSources,
  catalogue: Catalogue,
  volumes: Pick<PodVolumes, 'mountsOf'>,
): Promise<ContainerConfig> {
  const words = commandOf(container, catalogue);
  const environment = await environmentOf(pod, container, place, sources);
  const mounts = await volumes.mountsOf(container);
  return {
    name: container.name,
    attempt,
    image: container.image ?? '',
    command: words.map((word) => expand(word, environment)),
    environment,
    ...(mounts.length > 0 && { mounts }),
    ...(container.workingDir === undefined ? {} : { workingDir: container.workingDir }),
  };
}

/** `command` replaces the image's entry point and arguments, `args` alone only its arguments. */
function commandOf({ name, image, command, args }: Container, catalogue: Catalogue): readonly string[] {
  if (command && command.length > 0) return [...command, ...(args ?? [])];
  const entry = catalogue.find(image ?? '');
  if (entry) return [...entry.entrypoint, ...(args ?? entry.args)];
  const known = catalogue.names.join(', ');
  const state = `no program is known as ${JSON.stringify(image ?? '')}; there are ${known}, or give the container a command`;
  throw new PodError(`Find the image of container ${name}`, 'image', state);
}
