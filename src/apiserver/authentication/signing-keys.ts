import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { messageOf, UsageError } from '../../base/errors.ts';

/** The algorithms of JWS (RFC 7518) that keys here can have. */
export type Algorithm = 'ES256' | 'RS256';

export interface VerifyingKey {
  /** What tokens name it by: upstream's hash of the public key. */
  readonly id: string;
  readonly algorithm: Algorithm;
  readonly publicKey: KeyObject;
}

export interface SigningKeys {
  /** Signs what is issued from now on. */
  readonly signer: VerifyingKey & { readonly privateKey: KeyObject };
  /** The signer's own, and older ones whose tokens are still good. */
  readonly verifiers: readonly VerifyingKey[];
}

/**
 * @param privatePem signs
 * @param publicPems further keys that are trusted: the old one while keys are changed (private ones may be given, too)
 */
export function readSigningKeys(privatePem: string, publicPems: readonly string[] = []): SigningKeys {
  const privateKey = readKey('Read the key that signs ServiceAccount tokens', () => createPrivateKey(privatePem));
  const signer = { ...verifierOf(createPublicKey(privateKey)), privateKey };
  const others = publicPems.map((pem) =>
    verifierOf(readKey('Read a key of ServiceAccount tokens', () => createPublicKey(pem))),
  );
  return { signer, verifiers: [signer, ...others.filter(({ id }) => id !== signer.id)] };
}

function readKey(operation: string, read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch (error) {
    throw new UsageError(operation, messageOf(error), 'Give a PEM file with a P-256 or RSA key');
  }
}

/** A new P-256 key, as PEM. */
export function generateSigningKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

function verifierOf(publicKey: KeyObject): VerifyingKey {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const id = createHash('sha256').update(der).digest('base64url');
  return { id, algorithm: algorithmOf(publicKey), publicKey };
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): Algorithm {
  if (asymmetricKeyType === 'rsa') return 'RS256';
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  const found = asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType;
  throw new UsageError('Use a key for ServiceAccount tokens', `its type is ${found}`, 'Give a P-256 or RSA key');
}

/** RFC 7517, as upstream publishes them. */
export const jwkOf = ({ id, algorithm, publicKey }: VerifyingKey) => ({
  use: 'sig',
  kid: id,
  alg: algorithm,
  ...publicKey.export({ format: 'jwk' }),
});
