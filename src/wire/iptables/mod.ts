export type {
  ChainContent,
  ConntrackState,
  Family,
  InterfaceMatch,
  Match,
  Prefix,
  Rule,
  TableContent,
  TableName,
  Target,
} from './model.ts';
export {
  endpointChain,
  isServiceChain,
  type NamedPort,
  portText,
  rememberedEndpointChain,
  serviceChain,
} from './names.ts';
export { conntrackStates, oneIn, portUnreachable, printRule, probabilityOne } from './print-rule.ts';
export { parseSave, printRestore, printTable, type RestoreTable, readSave } from './save-text.ts';
