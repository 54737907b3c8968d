import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { signJwt, verifyJwt } from './jwt.ts';
import { generateSigningKey, jwkOf, readSigningKeys } from './signing-keys.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsaPem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
const keys = { ES256: readSigningKeys(generateSigningKey()), RS256: readSigningKeys(rsaPem) };
const claims = { sub: 'x', n: 1 };
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

for (const [algorithm, own] of Object.entries(keys)) {
  test(`${algorithm}: what was signed is read, by the keys that signed it alone`, () => {
    const token = signJwt(own, claims);
    assert.deepEqual(verifyJwt(own.verifiers, token), claims);
    const other = readSigningKeys(generateSigningKey());
    assert.equal(verifyJwt(other.verifiers, token), undefined);
    const publicPem = own.signer.publicKey.export({ type: 'spki', format: 'pem' }) as string;
    const rotated = readSigningKeys(generateSigningKey(), [publicPem]);
    assert.deepEqual(verifyJwt(rotated.verifiers, token), claims, 'the old key is still trusted');
    assert.equal(verifyJwt([rotated.signer], token), undefined);
  });

  test(`${algorithm}: no part can be changed`, () => {
    const token = signJwt(own, claims);
    // The last character of each part holds bits that stand for nothing.
    const ends = new Set(token.split('.').map((_, part, parts) => parts.slice(0, part + 1).join('.').length - 1));
    for (let index = 0; index < token.length; index++) {
      if (ends.has(index)) continue;
      const changed = token.slice(0, index) + (token[index] === 'A' ? 'B' : 'A') + token.slice(index + 1);
      assert.equal(verifyJwt(own.verifiers, changed), undefined, changed);
    }
  });
}

test('a token cannot choose its algorithm', () => {
  const { signer, verifiers } = keys.RS256;
  const body = encode(claims);
  for (const alg of ['none', 'HS256', 'ES256', 'RS512']) {
    const text = `${encode({ alg, kid: signer.id })}.${body}`;
    const signature = sign('sha256', Buffer.from(text), signer.privateKey).toString('base64url');
    for (const token of [`${text}.`, text, `${text}.${signature}`])
      assert.equal(verifyJwt(verifiers, token), undefined);
  }
  for (const token of ['', '.', '..', 'a.b.c', 'a.b.c.d', `${encode([])}.${body}.x`, 'ü.ü.ü'])
    assert.equal(verifyJwt(verifiers, token), undefined, token);
});

test('keys are published as JWKs with the id that tokens bear', () => {
  const jwk = jwkOf(keys.ES256.signer) as { kid: string };
  assert.deepEqual(Object.keys(jwk).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  const header = JSON.parse(Buffer.from(signJwt(keys.ES256, claims).split('.')[0]!, 'base64url').toString());
  assert.deepEqual(header, { alg: 'ES256', kid: jwk.kid });
  assert.deepEqual(Object.keys(jwkOf(keys.RS256.signer)).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use']);
});

test('other keys are refused with what to give instead', () => {
  const ed = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  assert.throws(() => readSigningKeys(ed), /its type is ed25519/);
  assert.throws(() => readSigningKeys('nonsense'), { name: 'UsageError' });
});
