import { parseTime, type Secret } from '../../kube/mod.ts';
import { authenticatedGroup } from '../authorization/users.ts';
import { isEqualSecret, type TokenReader } from './authenticator.ts';

/** What all bootstrap tokens are in; a token's Secret may name more below it. */
const bootstrappers = 'system:bootstrappers';
const secretType = 'bootstrap.kubernetes.io/token';
const extraGroup = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/**
 * Tokens `ID.SECRET` by which a machine asks for its first certificate: each is a Secret of kube-system
 * (bootstrap.kubernetes.io/token), good until its time is over or it is deleted.
 */
export function bootstrapTokenReader(find: (name: string) => Secret | undefined, now: () => number): TokenReader {
  return (token) => {
    const [, id = '', secret = ''] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(token) ?? [];
    if (id === '') return undefined;
    const found = find(`bootstrap-token-${id}`);
    if (found?.type !== secretType || found.metadata.deletionTimestamp) return undefined;
    const read = (key: string) => Buffer.from(found.data?.[key] ?? '', 'base64').toString();
    if (read('token-id') !== id || !isEqualSecret(secret, read('token-secret'))) return undefined;
    if (read('usage-bootstrap-authentication') !== 'true' || isOver(read('expiration'), now())) return undefined;
    const extra = read('auth-extra-groups')
      .split(',')
      .filter((group) => extraGroup.test(group));
    return { name: `system:bootstrap:${id}`, groups: [bootstrappers, ...extra, authenticatedGroup] };
  };
}

/** A time that does not read is over: nobody meant a token for ever by it. */
function isOver(expiration: string, nowMs: number): boolean {
  return expiration !== '' && (parseTime(expiration) ?? 0) <= nowMs;
}
