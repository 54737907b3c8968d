import type { AccountTokens } from './account-tokens.ts';
import { jwkOf } from './signing-keys.ts';

/** What others need to check a ServiceAccount's token themselves: OpenID Connect Discovery 1.0, as far as upstream has it. */
export const openIdPages = (tokens: AccountTokens, serverAddress: string) => ({
  '/.well-known/openid-configuration': {
    type: 'application/json',
    document: {
      issuer: tokens.options.issuer,
      jwks_uri: `https://${serverAddress}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [
        ...new Set(tokens.options.keys.verifiers.map(({ algorithm }) => algorithm)),
      ].sort(),
    },
  },
  '/openid/v1/jwks': {
    type: 'application/jwk-set+json',
    document: { keys: tokens.options.keys.verifiers.map(jwkOf) },
  },
});
