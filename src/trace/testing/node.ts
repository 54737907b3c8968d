import type { NodeState } from '../node-state.ts';

/** A node with one way to the world and two Pods. */
export const testNode: NodeState = {
  interfaces: [
    { name: 'lo', index: 1, addresses: ['127.0.0.1/8', '::1/128'] },
    { name: 'eth0', index: 2, addresses: ['172.30.1.1/24', 'fd00:30::1/64'] },
    { name: 'pod1', index: 3, addresses: ['169.254.1.1/32'] },
    { name: 'pod2', index: 4, addresses: ['169.254.1.1/32'] },
  ],
  routes: [
    { destination: '172.30.1.0/24', interface: 'eth0' },
    { destination: '0.0.0.0/0', interface: 'eth0', gateway: '172.30.1.254' },
    { destination: '10.244.1.2/32', interface: 'pod1' },
    { destination: '10.244.1.3/32', interface: 'pod2' },
  ],
};
