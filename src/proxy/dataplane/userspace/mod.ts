export { createUserspaceDataplane } from './dataplane.ts';
