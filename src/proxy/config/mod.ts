export { configurationAdvice } from './advice.ts';
export { effectlessFlags, type FlagValues, flagsOfConfiguration, type ProxyFlag, proxyFlags } from './flags.ts';
export { configurationFromFile, configurationFromFlags } from './load.ts';
export { type ProxyMode, proxyModes } from './modes.ts';
export { listenAddress, millisecondsOf, proxySettings } from './settings.ts';
export { watchFile } from './watch-file.ts';
export { formatConfiguration } from './write.ts';
