import type { Scenario } from '../scenario.ts';
import { endpoints } from './endpoints.ts';
import { frontends } from './frontends.ts';
import { ignored } from './ignored.ts';
import { node } from './node.ts';
import { policies } from './policies.ts';
import { ports } from './ports.ts';
import { topology } from './topology.ts';

/**
 * What each semantic of a Service means for packets; src/proxy/README.md has the rules behind it. "masqueraded" is what
 * clients from off the cluster are, hairpins, and whoever comes in by an external frontend of policy Cluster.
 */
export const scenarios: readonly Scenario[] = [
  ...frontends,
  ...ports,
  ...policies,
  ...endpoints,
  ...topology,
  ...node,
  ...ignored,
];
