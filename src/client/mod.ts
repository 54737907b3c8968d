export type { Indexes, IndexFunction } from './cache.ts';
export { type ClientOptions, createClient } from './client.ts';
export {
  ApiError,
  isAlreadyExists,
  isConflict,
  isExpired,
  isForbidden,
  isInvalid,
  isNotFound,
  isUnavailable,
  isUnreachable,
  type ReceivedStatus,
} from './errors.ts';
export { type Connection, type Http2Options, http2Exchange } from './http2.ts';
export { createInformer, type InformerOptions } from './informer.ts';
export { type KubeConfig, loadKubeconfig } from './kubeconfig.ts';
export type {
  Change,
  Client,
  DeleteOptions,
  Informer,
  JsonPatchOperation,
  KubeList,
  ListQuery,
  Patch,
  WatchEvent,
  WatchQuery,
} from './port.ts';
export { createRecorder, type Recorder, type RecorderOptions } from './recorder.ts';
export { SharedInformers, type SharedInformersOptions } from './shared-informers.ts';
