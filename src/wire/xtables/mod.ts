export { type Hook, isEchoedRule, type RulePlace, requestAllChains, requestTableRules, XtBatch } from './batch.ts';
export { decodeChain, type FoundChain } from './chains.ts';
export { decodeRule, decodeRuleLocation } from './decode-rule.ts';
export {
  clearCounters,
  decodeTableInfo,
  requestTableEntries,
  requestTableInfo,
  XtablesOption,
} from './table-entries.ts';
