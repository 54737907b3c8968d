import { type Pod, qosClassOf } from '../../kube/mod.ts';
import type { Strategy } from '../registry/strategy.ts';
import { type FindAccount, mountAccount } from './account-mounts.ts';

/** Mirrors show what an agent was given by a file: it runs without an account. */
const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** @param findAccount left out: Pods get no tokens, and their accounts need not be there */
export const podStrategy = (findAccount: FindAccount | undefined): Strategy<Pod> => ({
  countsGenerations: true,
  prepareCreate(draft) {
    draft.status = { phase: 'Pending', qosClass: qosClassOf(draft.spec) };
    if (findAccount && draft.metadata.annotations?.[mirrorAnnotation] === undefined) mountAccount(draft, findAccount);
  },
  prepareUpdate(draft, before) {
    // Pods are assigned by the binding subresource alone.
    if (before.spec.nodeName !== undefined) draft.spec.nodeName ??= before.spec.nodeName;
  },
  /** A Pod that no node runs, or that has ended, has nobody to say goodbye to (upstream's podStrategy.CheckGracefulDelete). */
  gracePeriodSeconds(pod, asked) {
    const own = pod.spec.terminationGracePeriodSeconds ?? 30;
    const running = pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed';
    if (!pod.spec.nodeName || !running) return 0;
    const seconds = asked ?? pod.metadata.deletionGracePeriodSeconds ?? own;
    return seconds < 0 ? 1 : seconds;
  },
});
