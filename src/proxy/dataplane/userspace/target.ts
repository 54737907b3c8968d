import type { Endpoint } from '../../plan/mod.ts';

/** An endpoint as far as a relay cares. */
export type Target = Pick<Endpoint, 'address' | 'port'>;
