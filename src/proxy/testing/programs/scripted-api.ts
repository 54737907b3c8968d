/** Runs a scripted API server with one Service in a network namespace; the first line that it prints is its URL. */
import { service, slice } from '../objects.ts';
import { ScriptedApi } from '../scripted-api.ts';

const api = new ScriptedApi();
await api.start();
const spec = {
  type: 'LoadBalancer',
  externalIPs: ['192.0.2.9'],
  externalTrafficPolicy: 'Local',
  healthCheckNodePort: 32_001,
} as const;
api.put('services', service('web', '10.96.0.1', { spec: { ...spec, externalIPs: [...spec.externalIPs] } }));
api.put('endpointslices', slice('web', [{ addresses: ['10.0.0.1'], nodeName: 'node1' }, '10.0.0.2']));
console.log(api.url);
