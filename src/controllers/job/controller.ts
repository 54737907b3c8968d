import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../base/errors.ts';
import { isNotFound } from '../../client/mod.ts';
import { controllerOf, controllerReference, Job, Pod } from '../../kube/mod.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { deleteObject } from '../shared/delete-object.ts';
import { ControllerLoop } from '../shared/loop.ts';
import { indexAnnotation } from './indexes.ts';
import { type JobPlan, planJob, trackingFinalizer } from './plan.ts';

/** Runs the Pods of every Job until enough have succeeded or too many failed; keys are Jobs. */
export function startJobController(context: ControllerContext): StopController {
  const controller = new JobController(context);
  return () => controller.loop.stop();
}

class JobController {
  readonly loop: ControllerLoop;
  readonly #context: ControllerContext;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.loop = new ControllerLoop(context, { name: 'job', sync: (key) => this.#sync(key) });
    this.#jobs.onChange(({ key }) => this.loop.add(key));
    this.#pods.onChange(({ before, after }) => {
      for (const pod of [before, after]) if (pod) this.#addOwnerOf(pod);
    });
  }

  get #jobs() {
    return this.#context.informers.of(Job);
  }

  get #pods() {
    return this.#context.informers.of(Pod);
  }

  #addOwnerOf(pod: Pod): void {
    const owner = controllerOf(pod);
    if (owner?.kind === 'Job') this.loop.add(`${pod.metadata.namespace}/${owner.name}`);
  }

  async #sync(key: string): Promise<void> {
    const job = this.#jobs.get(key);
    if (!job) return this.#letGo(key);
    if (job.spec.managedBy) return;
    const pods = [...this.#pods.byIndex('owner', job.metadata.uid)];
    if (job.metadata.deletionTimestamp) {
      await Promise.all(pods.map((pod) => this.#release(key, pod)));
      return;
    }
    const plan = planJob(job, pods, this.#context.clock.now());
    if (plan.nextChangeMs !== undefined) this.loop.addAfter(key, plan.nextChangeMs);
    await this.#writeStatus(key, job, plan);
    await Promise.all(plan.release.map((pod) => this.#release(key, pod)));
    await Promise.all(plan.delete.map((pod) => this.#delete(job, pod)));
    await Promise.all(plan.create.map((index) => this.#create(key, job, index)));
  }

  /** Pods whose Job is gone: nobody counts them any more. */
  async #letGo(key: string): Promise<void> {
    const [namespace, name] = key.split('/') as [string, string];
    for (const pod of this.#pods.byIndex('namespace', namespace)) {
      const owner = controllerOf(pod);
      if (owner?.kind === 'Job' && owner.name === name) await this.#release(key, pod);
    }
  }

  async #writeStatus(key: string, job: Job, { status }: JobPlan): Promise<void> {
    if (isDeepStrictEqual(status, job.status)) return;
    const { client, recorder } = this.#context;
    this.loop.wrote(key, this.#jobs, await client.updateStatus(Job, { ...job, status }));
    for (const { type, reason, message } of status.conditions ?? []) {
      if (job.status?.conditions?.some((known) => known.type === type)) continue;
      if (type === 'Complete') recorder.record(job, 'Normal', 'Completed', 'Job completed');
      if (type === 'Failed') recorder.record(job, 'Warning', reason ?? type, message ?? '');
    }
  }

  async #release(key: string, { metadata }: Pod): Promise<void> {
    const { name, namespace, finalizers = [] } = metadata;
    if (!finalizers.includes(trackingFinalizer)) return;
    const body = { metadata: { uid: metadata.uid, '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } };
    try {
      const pod = await this.#context.client.patch(Pod, name, { type: 'strategic', body }, { namespace: namespace! });
      if (!pod.metadata.deletionTimestamp) this.loop.wrote(key, this.#pods, pod);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #create(key: string, job: Job, index: number | undefined): Promise<void> {
    const { client, recorder } = this.#context;
    try {
      const pod = this.loop.wrote(key, this.#pods, await client.create(Pod, podOf(job, index)));
      recorder.record(job, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    } catch (error) {
      recorder.record(job, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
      throw error;
    }
  }

  async #delete(job: Job, pod: Pod): Promise<void> {
    const { client, recorder } = this.#context;
    if (!(await deleteObject(client, Pod, pod))) return;
    recorder.record(job, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  }
}

/** An Indexed Job's Pods know their number by annotation, label, host name and environment. */
function podOf(job: Job, index: number | undefined) {
  const { metadata: { labels, annotations } = {}, spec } = job.spec.template;
  const mark: Record<string, string> = index === undefined ? {} : { [indexAnnotation]: String(index) };
  const { name, namespace } = job.metadata;
  return {
    metadata: {
      generateName: index === undefined ? `${name}-` : `${name}-${index}-`,
      namespace: namespace!,
      labels: { ...labels, ...mark },
      annotations: { ...annotations, ...mark },
      finalizers: [trackingFinalizer],
      ownerReferences: [controllerReference(Job, job)],
    },
    spec:
      index === undefined
        ? spec
        : { ...spec, hostname: `${name}-${index}`, containers: spec.containers.map(withIndex) },
  };
}

type Container = Pod['spec']['containers'][number];

const withIndex = (container: Container): Container => ({
  ...container,
  env: [
    ...(container.env ?? []),
    {
      name: 'JOB_COMPLETION_INDEX',
      valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.annotations['${indexAnnotation}']` } },
    },
  ],
});
