export {
  extendedErrors,
  headerFlags,
  rcodeText,
  recordClasses,
  recordTypes,
  responseCodes,
  safeUdpBytes,
  typeText,
} from './constants.ts';
export { type ExtendedError, extendedErrorOption, originOption } from './edns.ts';
export { MalformedMessageError } from './errors.ts';
export { encodeName, isWithin, keyOf, keyText, labelsOf, nameKey, nameText, wireOf } from './name.ts';
export { parseQuery, type Query } from './query.ts';
export {
  addressRecord,
  anyRefusal,
  cnameRecord,
  encodeAddress,
  mapMessage,
  nsRecord,
  ptrRecord,
  type ResourceRecord,
  readRecord,
  soaRecord,
  srvRecord,
  txtRecord,
} from './records.ts';
export {
  answersQuestion,
  encodeRelayed,
  encodeUpstreamQuery,
  readUpstreamAnswer,
  type UpstreamAnswer,
  type UpstreamQuery,
} from './relay.ts';
export { encodeRejection, encodeResponse, type Response, type Transport } from './response.ts';
export { encodeReadyAnswer, encodeSections, type ReadyAnswer, type ReadyRecords, type Sections } from './sections.ts';
export { mapTarget } from './target.ts';
