export { NftBatch } from './batch.ts';
export { Family, NftMessage } from './constants.ts';
export {
  decodeGeneration,
  requestChains,
  requestElements,
  requestGeneration,
  requestRules,
  requestSets,
  requestTable,
} from './dump.ts';
export { decodeElements } from './elements.ts';
export { type Expression, fullyRandom, type MetaKey } from './expressions.ts';
export {
  type Chain,
  decodeChain,
  decodeRule,
  decodeSet,
  decodeTable,
  type Element,
  type SetDefinition,
  type Table,
} from './objects.ts';
export { encodeSetNotes } from './set-notes.ts';
export { formatExpression, formatVerdict } from './text.ts';
export type { Verdict } from './verdict.ts';
