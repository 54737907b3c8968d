export { createNftablesDataplane } from './dataplane.ts';
