import type { Clock } from '../../base/clock.ts';
import type { Pod } from '../../kube/mod.ts';
import type { Catalogue } from '../runtime/catalogue.ts';
import type { Runtime } from '../runtime/port.ts';
import type { PodVolumes } from '../volumes/pod-volumes.ts';
import type { EnvironmentSources, PodPlace } from './environment.ts';

/** What a container's keeper has from the Pod that the container belongs to; always the present state. */
export interface PodContext {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly catalogue: Catalogue;
  readonly sources: EnvironmentSources;
  readonly volumes: PodVolumes;
  /** As the API has it. */
  readonly pod: Pod;
  readonly place: PodPlace;
  readonly deleting: boolean;
  /** How long a container of the Pod has got to end. */
  readonly graceMs: number;
  /** Asks for another look at the Pod. */
  wake(): void;
  /** Events about the Pod: normal ones and warnings. */
  tell(reason: string, message: string): void;
  warn(reason: string, message: string): void;
}
