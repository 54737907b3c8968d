export { createIptablesDataplane, type IptablesOptions } from './dataplane.ts';
