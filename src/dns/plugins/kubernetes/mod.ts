export { createKubernetesPlugin } from './kubernetes.ts';
export { createPlacedKubernetesPlugin } from './placed.ts';
