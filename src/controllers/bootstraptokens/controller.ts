import { createHmac } from 'node:crypto';
import { ConfigMap, parseTime, Secret } from '../../kube/mod.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { deleteObject } from '../shared/delete-object.ts';
import { ControllerLoop } from '../shared/loop.ts';

const secretType = 'bootstrap.kubernetes.io/token';
const namespace = 'kube-system';
const infoKey = 'kube-public/cluster-info';
const signaturePrefix = 'jws-kubeconfig-';

/** Deletes bootstrap tokens when their time is over (upstream's tokencleaner). */
export function startTokenCleaner(context: ControllerContext): StopController {
  const { client, informers, clock } = context;
  const secrets = informers.of(Secret);
  const loop = new ControllerLoop(context, { name: 'token-cleaner', sync });
  secrets.onChange(({ key, after }) => {
    if (after && isToken(after)) loop.add(key);
  });

  async function sync(key: string): Promise<void> {
    const secret = secrets.get(key);
    const expiration = secret && isToken(secret) ? read(secret, 'expiration') : '';
    if (!secret || expiration === '') return;
    const leftMs = (parseTime(expiration) ?? 0) - clock.now();
    if (leftMs <= 0) await deleteObject(client, Secret, secret);
    // Timers know no more than 24 days.
    else loop.addAfter(key, Math.min(leftMs, 86_400_000));
  }

  return () => loop.stop();
}

/**
 * Signs the kubeconfig in the ConfigMap `cluster-info` with every token that is for it: whoever has the token can tell
 * that the authority's certificate in there is ours (upstream's bootstrapsigner).
 */
export function startBootstrapSigner(context: ControllerContext): StopController {
  const { client, informers, clock } = context;
  const secrets = informers.of(Secret);
  const configMaps = informers.of(ConfigMap);
  const loop = new ControllerLoop(context, { name: 'bootstrap-signer', sync });
  secrets.onChange(({ before, after }) => {
    if ([before, after].some((secret) => secret && isToken(secret))) loop.add(infoKey);
  });
  configMaps.onChange(({ key }) => {
    if (key === infoKey) loop.add(infoKey);
  });

  async function sync(): Promise<void> {
    const info = configMaps.get(infoKey);
    if (!info) return;
    const data = { ...signaturesOf(info), ...withoutSignatures(info) };
    if (JSON.stringify(sorted(data)) === JSON.stringify(sorted(info.data ?? {}))) return;
    loop.wrote(infoKey, configMaps, await client.update(ConfigMap, { ...info, data }));
  }

  function signaturesOf(info: ConfigMap): Record<string, string> {
    const kubeconfig = info.data?.kubeconfig ?? '';
    const tokens = [...secrets.byIndex('namespace', namespace)].filter(isToken).filter((secret) => {
      const expiration = read(secret, 'expiration');
      const isOver = expiration !== '' && (parseTime(expiration) ?? 0) <= clock.now();
      return read(secret, 'usage-bootstrap-signing') === 'true' && !isOver;
    });
    return Object.fromEntries(
      tokens.map((secret) => {
        const id = read(secret, 'token-id');
        return [signaturePrefix + id, detachedSignature(kubeconfig, id, read(secret, 'token-secret'))];
      }),
    );
  }

  return () => loop.stop();
}

const isToken = ({ type, metadata }: Secret) => type === secretType && metadata.namespace === namespace;
const read = ({ data }: Secret, key: string) => Buffer.from(data?.[key] ?? '', 'base64').toString();

const withoutSignatures = ({ data = {} }: ConfigMap) =>
  Object.fromEntries(Object.entries(data).filter(([key]) => !key.startsWith(signaturePrefix)));

const sorted = (data: object) => Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1));

/** A JWS (RFC 7515, appendix F) without its payload, by HMAC with the token's secret. */
function detachedSignature(payload: string, tokenId: string, tokenSecret: string): string {
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: tokenId })).toString('base64url');
  const text = `${header}.${Buffer.from(payload).toString('base64url')}`;
  return `${header}..${createHmac('sha256', tokenSecret).update(text).digest('base64url')}`;
}
