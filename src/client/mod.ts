export type { Indexes } from './cache.ts';
export { createClient } from './client.ts';
export { isAlreadyExists, isConflict, isNotFound, isUnreachable } from './errors.ts';
export { http2Exchange } from './http2.ts';
export { createInformer } from './informer.ts';
export { loadKubeconfig } from './kubeconfig.ts';
export type { Change, Client, DeleteOptions, Informer } from './port.ts';
export { createRecorder, type Recorder } from './recorder.ts';
export { SharedInformers } from './shared-informers.ts';
