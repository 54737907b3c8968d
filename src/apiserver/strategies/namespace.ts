import { forbidden, Namespace } from '../../kube/mod.ts';
import type { Strategy } from '../registry/strategy.ts';
import { refuse } from '../status-error.ts';

/** Without these the cluster does not work; upstream keeps them too (NamespaceLifecycle admission). */
const immortal = new Set(['default', 'kube-system', 'kube-public']);

/** The namespace controller takes this away when nothing is left inside. */
const contentFinalizer = 'kubernetes';

export const namespaceStrategy: Strategy<Namespace> = {
  prepareCreate(draft) {
    draft.status = { phase: 'Active' };
    const finalizers = draft.spec?.finalizers ?? [];
    draft.spec = { finalizers: [...new Set([...finalizers, contentFinalizer])] };
  },
  prepareUpdate(draft, before) {
    // Only the /finalize subresource lets go of the contents.
    draft.spec = before.spec;
  },
  checkDelete({ metadata: { name } }) {
    if (immortal.has(name)) refuse(forbidden(Namespace, name, 'this namespace may not be deleted'));
  },
  isHeld: (namespace) => (namespace.spec?.finalizers ?? []).length > 0,
  markDeleted(draft) {
    draft.status = { ...draft.status, phase: 'Terminating' };
  },
};
