import { type Command, Option } from 'commander';
import { effectlessFlags, type FlagValues, type ProxyFlag, proxyFlags } from '../proxy/config/mod.ts';

/** Adds kube-proxy's flags to a command; what is given of them is `flagValues`. */
export function addProxyFlags(command: Command): Command {
  for (const flag of proxyFlags) command.addOption(optionOf(flag));
  for (const server of ['healthz', 'metrics']) {
    const description = `deprecated: the port of --${server}-bind-address; 0: no server`;
    command.addOption(new Option(`--${server}-port <port>`, description).hideHelp());
  }
  for (const name of effectlessFlags) command.addOption(new Option(`--${name} [value]`, 'no effect').hideHelp());
  return command;
}

/** Texts as they stand on the command line, by flag. */
export function flagValues(command: Command): FlagValues {
  const given: Record<string, string> = {};
  for (const option of command.options) {
    const value = command.getOptionValue(option.attributeName());
    if (typeof value === 'string') given[option.name()] = value;
  }
  return given;
}

/** As with Go's flags, a boolean may stand alone or have its value behind `=`. */
function optionOf({ name, kind, description }: ProxyFlag): Option {
  // Commander takes the whole of `-v=4` behind the letter for the value; Go's flags leave out the sign.
  if (name === 'v') return new Option('-v, --v <level>', description).argParser((text) => text.replace(/^=/, ''));
  if (kind === 'boolean') return new Option(`--${name} [true|false]`, description).preset('true');
  return new Option(`--${name} <${kind === 'number' ? 'number' : 'value'}>`, description);
}
