import { Command } from 'commander';
import { kubernetesVersion, version } from '../base/version.ts';
import { oneOfOption } from './options.ts';

export function versionCommand(): Command {
  return new Command('version')
    .description('Print the version of Signalbox, of the Kubernetes API it speaks, and of its runtime.')
    .addOption(oneOfOption('-o, --output <format>', 'how to print it', ['text', 'json'], 'text'))
    .addHelpText('after', '\nExamples:\n  signalbox version\n  signalbox version -o json')
    .action((options: { output: string }) => {
      const versions = { signalbox: version, kubernetes: kubernetesVersion.gitVersion, node: process.version };
      process.stdout.write(
        options.output === 'json'
          ? `${JSON.stringify(versions)}\n`
          : `signalbox ${versions.signalbox}, Kubernetes API ${versions.kubernetes}, Node.js ${versions.node}\n`,
      );
    });
}
