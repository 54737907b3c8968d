import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { readFlagFile } from './store-flags.ts';

/** The flags of `signalbox server` about bearer tokens; names and meanings are kube-apiserver's. */
export interface TokenFlags {
  dataDir: string;
  tokenAuthFile?: string;
  serviceAccountIssuer: string;
  serviceAccountSigningKeyFile?: string;
  serviceAccountKeyFile: string[];
  apiAudiences?: string[];
}

export const addTokenOptions = (command: Command): Command =>
  command
    .option('--token-auth-file <file>', 'static tokens, lines of token,user,uid,"group1,group2"')
    .option(
      '--service-account-issuer <url>',
      'who ServiceAccount tokens say has issued them',
      issuerUrl,
      'https://kubernetes.default.svc.cluster.local',
    )
    .option('--service-account-signing-key-file <file>', 'PEM key that signs them (default: DATA-DIR/pki/sa.key)')
    .option(
      '--service-account-key-file <file>',
      'PEM key whose tokens are good, too; may be given several times',
      (file: string, before: string[]) => [...before, file],
      [],
    )
    .option('--api-audiences <names>', 'for whom such tokens are, with commas (default: the issuer)', (text) =>
      text.split(','),
    );

/** What the API server is to know of tokens. Throws UsageError for a file that cannot be used. */
export async function tokenSettings(flags: TokenFlags) {
  const { ensureSigningKey, readSigningKeys, readStaticTokens } = await import('../apiserver/mod.ts');
  const { serviceAccountSigningKeyFile: signingFile, tokenAuthFile } = flags;
  const privatePem = signingFile
    ? readFlagFile('--service-account-signing-key-file', signingFile)
    : await ensureSigningKey(path.join(flags.dataDir, 'pki'));
  const others = flags.serviceAccountKeyFile.map((file) => readFlagFile('--service-account-key-file', file));
  return {
    keys: readSigningKeys(privatePem, others),
    issuer: flags.serviceAccountIssuer,
    ...(flags.apiAudiences && { audiences: flags.apiAudiences }),
    ...(tokenAuthFile && {
      staticTokens: readStaticTokens(readFlagFile('--token-auth-file', tokenAuthFile), tokenAuthFile),
    }),
  };
}

function issuerUrl(text: string): string {
  if (!/^https:\/\/[^?#]+$/.test(text)) throw new InvalidArgumentError('It must be an https URL without query.');
  return text;
}
