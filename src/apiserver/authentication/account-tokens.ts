import { randomUUID } from 'node:crypto';
import type { User } from '../../base/exchange.ts';
import { type KubeObject, type Node, type Pod, parseTime, type Secret, type ServiceAccount } from '../../kube/mod.ts';
import { accountGroups, accountUserName, authenticatedGroup } from '../authorization/users.ts';
import { signJwt, verifyJwt } from './jwt.ts';
import type { SigningKeys } from './signing-keys.ts';

/** What a token says of itself; field names are upstream's (pkg/serviceaccount/claims.go). */
interface Claims {
  readonly iss: string;
  readonly aud: readonly string[];
  readonly sub: string;
  readonly iat: number;
  readonly nbf: number;
  readonly exp: number;
  readonly jti: string;
  readonly 'kubernetes.io': {
    readonly namespace: string;
    readonly serviceaccount: Named;
    readonly pod?: Named;
    readonly secret?: Named;
    readonly node?: Named;
  };
}
interface Named {
  readonly name: string;
  readonly uid: string;
}

/** A token goes with what it is bound to. */
export interface Binding {
  readonly pod?: Pod;
  readonly secret?: Secret;
  readonly node?: Node;
}

/** What is there at this moment. */
export interface Lookups {
  account(namespace: string, name: string): ServiceAccount | undefined;
  pod(namespace: string, name: string): Pod | undefined;
  secret(namespace: string, name: string): Secret | undefined;
  node(name: string): Node | undefined;
}

export interface AccountTokenOptions {
  readonly keys: SigningKeys;
  /** `https://kubernetes.default.svc.cluster.local` */
  readonly issuer: string;
  /** For whom a token is that says nothing else: this server. */
  readonly audiences: readonly string[];
  readonly now: () => number;
  readonly lookups: Lookups;
}

export interface Verified {
  readonly user: User;
  /** Those of the wanted audiences that the token is for. */
  readonly audiences: readonly string[];
}

/** An object on its way out is as good as there for so long: its Pod may still have to say goodbye (upstream's leeway). */
const leewayMs = 60_000;
/** Tokens whose signature is known to be good; a busy client shows the same one all day. */
const maxKnown = 4_096;

/** Issues and checks the tokens of ServiceAccounts. */
export class AccountTokens {
  readonly options: AccountTokenOptions;
  readonly #known = new Map<string, Claims>();

  constructor(options: AccountTokenOptions) {
    this.options = options;
  }

  issue(account: ServiceAccount, bound: Binding, audiences: readonly string[], lifeSeconds: number) {
    const { keys, issuer, now } = this.options;
    const seconds = Math.floor(now() / 1000);
    const { namespace = '', name } = account.metadata;
    const claims: Claims = {
      ...{ aud: audiences, exp: seconds + lifeSeconds, iat: seconds, nbf: seconds, iss: issuer, jti: randomUUID() },
      sub: accountUserName(namespace, name),
      'kubernetes.io': { namespace, serviceaccount: named(account), ...boundClaims(bound) },
    };
    return { token: signJwt(keys, claims), expiresAtMs: 1000 * claims.exp };
  }

  /** Undefined: it is none of ours, is over, or what it was bound to is gone. */
  verify(token: string, audiences: readonly string[] = this.options.audiences): Verified | undefined {
    const claims = this.#read(token);
    const seconds = this.options.now() / 1000;
    if (!claims || seconds < claims.nbf || seconds >= claims.exp) return undefined;
    const shared = audiences.filter((audience) => claims.aud.includes(audience));
    if (shared.length === 0 || !this.#isAlive(claims)) return undefined;
    return { user: userOf(claims), audiences: shared };
  }

  #read(token: string): Claims | undefined {
    const known = this.#known.get(token);
    if (known) return known;
    const claims = verifyJwt(this.options.keys.verifiers, token) as unknown as Claims | undefined;
    // A key that was another issuer's, too, may have signed anything.
    if (claims?.iss !== this.options.issuer || !claims['kubernetes.io']?.serviceaccount) return undefined;
    if (this.#known.size >= maxKnown) this.#known.clear();
    this.#known.set(token, claims);
    return claims;
  }

  #isAlive(claims: Claims): boolean {
    const { lookups } = this.options;
    const { namespace, serviceaccount, pod, secret, node } = claims['kubernetes.io'];
    return (
      this.#isThere(serviceaccount, lookups.account(namespace, serviceaccount.name)) &&
      (!pod || this.#isThere(pod, lookups.pod(namespace, pod.name))) &&
      (!secret || this.#isThere(secret, lookups.secret(namespace, secret.name))) &&
      // A Pod's node is told for information: the token goes with the Pod.
      (!node || pod !== undefined || this.#isThere(node, lookups.node(node.name)))
    );
  }

  #isThere({ uid }: Named, object: KubeObject | undefined): boolean {
    if (object?.metadata.uid !== uid) return false;
    const since = object.metadata.deletionTimestamp && parseTime(object.metadata.deletionTimestamp);
    return !since || this.options.now() < since + leewayMs;
  }
}

const named = ({ metadata: { name, uid } }: KubeObject): Named => ({ name, uid });

const boundClaims = ({ pod, secret, node }: Binding) => ({
  ...(pod && { pod: named(pod) }),
  ...(secret && { secret: named(secret) }),
  ...(node && { node: named(node) }),
});

/** Who the token stands for, with what else it says under the names that upstream gives it. */
function userOf({ jti, 'kubernetes.io': { namespace, serviceaccount, pod, node } }: Claims): User {
  const prefix = 'authentication.kubernetes.io/';
  return {
    name: accountUserName(namespace, serviceaccount.name),
    uid: serviceaccount.uid,
    groups: [...accountGroups(namespace), authenticatedGroup],
    extra: {
      [`${prefix}credential-id`]: [`JTI=${jti}`],
      ...(node && { [`${prefix}node-name`]: [node.name], [`${prefix}node-uid`]: [node.uid] }),
      ...(pod && { [`${prefix}pod-name`]: [pod.name], [`${prefix}pod-uid`]: [pod.uid] }),
    },
  };
}
