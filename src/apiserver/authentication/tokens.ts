import type { User } from '../../base/exchange.ts';
import { Node, Pod, type Resource, Secret, ServiceAccount } from '../../kube/mod.ts';
import type { ResourceCache } from '../cache/resource-cache.ts';
import { AccountTokens, type Lookups, type Verified } from './account-tokens.ts';
import { firstOf, staticTokenReader, type TokenReader } from './authenticator.ts';
import { bootstrapTokenReader } from './bootstrap-tokens.ts';
import { generateSigningKey, readSigningKeys, type SigningKeys } from './signing-keys.ts';

export interface TokenSettings {
  /** Default: keys that nobody else has, and that end with this server. */
  readonly keys?: SigningKeys;
  readonly issuer?: string;
  /** Default: the issuer. */
  readonly audiences?: readonly string[];
  /** By token (readStaticTokens). */
  readonly staticTokens?: ReadonlyMap<string, User>;
}

/** Every kind of bearer token that this server knows. */
export class Tokens {
  readonly accounts: AccountTokens;
  readonly #others: TokenReader;

  constructor(settings: TokenSettings, caches: ReadonlyMap<Resource, ResourceCache>, now: () => number) {
    const { keys = readSigningKeys(generateSigningKey()), issuer = 'https://kubernetes.default.svc.cluster.local' } =
      settings;
    const { audiences = [issuer] } = settings;
    const lookups = lookupsIn(caches);
    this.accounts = new AccountTokens({ keys, issuer, audiences, now, lookups });
    this.#others = firstOf([
      staticTokenReader(settings.staticTokens ?? new Map()),
      bootstrapTokenReader((name) => lookups.secret('kube-system', name), now),
    ]);
  }

  /** Who shows this token to us. */
  authenticate(token: string): User | undefined {
    return this.#others(token) ?? this.accounts.verify(token)?.user;
  }

  /** The same, for somebody else: `audiences` are theirs, and what says nothing of audiences is meant for us alone. */
  review(token: string, audiences: readonly string[]): Verified | undefined {
    const own = this.accounts.options.audiences;
    const wanted = audiences.length === 0 ? own : audiences;
    const shared = wanted.filter((audience) => own.includes(audience));
    const user = shared.length > 0 ? this.#others(token) : undefined;
    return user ? { user, audiences: shared } : this.accounts.verify(token, wanted);
  }
}

function lookupsIn(caches: ReadonlyMap<Resource, ResourceCache>): Lookups {
  const find = (resource: Resource, path: string) => {
    const cache = caches.get(resource)!;
    return cache.get(cache.prefix + path)?.object;
  };
  return {
    account: (namespace, name) => find(ServiceAccount, `${namespace}/${name}`) as ServiceAccount | undefined,
    pod: (namespace, name) => find(Pod, `${namespace}/${name}`) as Pod | undefined,
    secret: (namespace, name) => find(Secret, `${namespace}/${name}`) as Secret | undefined,
    node: (name) => find(Node, name) as Node | undefined,
  };
}
