import { applyServerFlags, configurationOfFlags, type FlagValues, loggingFlags } from './flags.ts';
import { checkConfiguration, type ReadConfiguration, readConfiguration, readConfigurationFile } from './read.ts';

/** What flags alone say. Throws UsageError. */
export function configurationFromFlags(values: FlagValues): ReadConfiguration {
  const { config, warnings } = checkConfiguration(configurationOfFlags(values), 'Read the flags');
  return { config: applyServerFlags(config, values), warnings };
}

/**
 * What a file says. As with kube-proxy, flags do not count beside it, those for logging aside. Throws UsageError.
 * @param text of the file, where it is known already
 */
export function configurationFromFile(path: string, values: FlagValues, text?: string): ReadConfiguration {
  const { config, warnings } = text === undefined ? readConfigurationFile(path) : readConfiguration(text, path);
  const logging = Object.fromEntries(loggingFlags.map((name) => [name, values[name]]));
  const { config: ofFlags } = configurationFromFlags(logging);
  const format = values['logging-format'] === undefined ? config.logging.format : ofFlags.logging.format;
  const verbosity = values.v === undefined ? config.logging.verbosity : ofFlags.logging.verbosity;
  return { config: { ...config, logging: { ...config.logging, format, verbosity } }, warnings };
}
