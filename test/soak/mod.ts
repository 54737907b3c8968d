import { soak as dnsMutations } from './dns-mutations.ts';
import { soak as dnsSockets } from './dns-sockets.ts';
import type { Soak } from './harness.ts';
import { soak as iptablesHistories } from './iptables-histories.ts';

export const soaks: readonly Soak[] = [dnsMutations, dnsSockets, iptablesHistories];
