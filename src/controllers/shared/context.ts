import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Client, Recorder, SharedInformers } from '../../client/mod.ts';

/** What a controller is given; its informers have synced before it starts. */
export interface ControllerContext {
  readonly client: Client;
  readonly informers: SharedInformers;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Stops a controller: takes no more work, and resolves when what is under way is done. */
export type StopController = () => Promise<void>;
