import { Job, parseTime } from '../../kube/mod.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { deleteObject } from '../shared/delete-object.ts';
import { ControllerLoop } from '../shared/loop.ts';
import { isOver } from './plan.ts';

/** Deletes Jobs that have been over for ttlSecondsAfterFinished (upstream's ttl-after-finished controller). */
export function startJobExpiry(context: ControllerContext): StopController {
  const jobs = context.informers.of(Job);
  const loop: ControllerLoop = new ControllerLoop(context, {
    name: 'ttl-after-finished',
    sync: async (key) => {
      const job = jobs.get(key);
      const dueMs = job && dueAt(job);
      if (!job || dueMs === undefined) return;
      const waitMs = dueMs - context.clock.now();
      if (waitMs > 0) loop.addAfter(key, waitMs);
      else await deleteObject(context.client, Job, job, { propagationPolicy: 'Foreground' });
    },
  });
  jobs.onChange(({ key }) => loop.add(key));
  return () => loop.stop();
}

function dueAt(job: Job): number | undefined {
  const { ttlSecondsAfterFinished } = job.spec;
  if (ttlSecondsAfterFinished === undefined || !isOver(job) || job.metadata.deletionTimestamp) return undefined;
  const last = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  return (parseTime(last?.lastTransitionTime ?? '') ?? 0) + ttlSecondsAfterFinished * 1000;
}
