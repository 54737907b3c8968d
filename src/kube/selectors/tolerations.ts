import type { Node } from '../kinds/node.ts';
import type { PodSpec } from '../kinds/pod.ts';

type Taint = NonNullable<Node['spec']['taints']>[number];
type Toleration = NonNullable<PodSpec['tolerations']>[number];

/** An empty key with Exists tolerates every taint, an empty effect every effect of the key. */
export function tolerates({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return key !== undefined && key !== '' && value === (taint.value ?? '');
}

export const isTolerated = ({ tolerations }: Pick<PodSpec, 'tolerations'>, taint: Taint): boolean =>
  tolerations?.some((toleration) => tolerates(toleration, taint)) ?? false;
