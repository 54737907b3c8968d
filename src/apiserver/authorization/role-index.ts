import type { User } from '../../base/exchange.ts';
import type {
  ClusterRole,
  ClusterRoleBinding,
  KubeObject,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from '../../kube/mod.ts';
import type { ResourceCache } from '../cache/resource-cache.ts';
import { accountUserName } from './users.ts';

export interface RoleCaches {
  readonly roles: ResourceCache;
  readonly clusterRoles: ResourceCache;
  readonly roleBindings: ResourceCache;
  readonly clusterRoleBindings: ResourceCache;
}

/** A rule that somebody has, and by which binding. */
export interface Grant {
  readonly rule: PolicyRule;
  readonly source: Source;
}

export interface Grants {
  readonly grants: readonly Grant[];
  /** Bindings to roles that are not there, in upstream's words. */
  readonly errors: readonly string[];
}

/** One subject of one binding. */
interface Source {
  /** undefined: a ClusterRoleBinding. */
  readonly namespace: string | undefined;
  readonly binding: string;
  readonly roleRef: RoleBinding['roleRef'];
  readonly subject: Subject;
}

type UserGrants = ReadonlyMap<string | undefined, Grants>;

/** Users whose rules are kept at hand; whoever comes after so many begins anew. */
const maxUsers = 4_096;
const none: Grants = { grants: [], errors: [] };

/**
 * Who has which rules, from the RBAC objects in memory. Put together when it is first asked for, and again after any of
 * them has changed: they change seldom and are asked for at every request.
 */
export class RoleIndex {
  readonly #caches: RoleCaches;
  #bySubject: Map<string, Source[]> | undefined;
  readonly #byUser = new Map<string, UserGrants>();

  constructor(caches: RoleCaches) {
    this.#caches = caches;
    const forget = () => {
      this.#bySubject = undefined;
      this.#byUser.clear();
    };
    for (const cache of Object.values(caches) as ResourceCache[]) cache.onChange(forget);
  }

  /** What the user has everywhere. */
  clusterGrants(user: User): Grants {
    return this.#grantsOf(user).get(undefined) ?? none;
  }

  /** What the user has in this namespace beside that. */
  namespaceGrants(user: User, namespace: string): Grants {
    return namespace === '' ? none : (this.#grantsOf(user).get(namespace) ?? none);
  }

  /** The rules of the role that a binding names; undefined: there is no such role. */
  rulesOf(roleRef: RoleBinding['roleRef'], namespace: string | undefined): readonly PolicyRule[] | undefined {
    const { roles, clusterRoles } = this.#caches;
    const version =
      roleRef.kind === 'ClusterRole'
        ? clusterRoles.get(clusterRoles.prefix + roleRef.name)
        : roles.get(`${roles.prefix}${namespace}/${roleRef.name}`);
    return version && ((version.object as Role | ClusterRole).rules ?? []);
  }

  #grantsOf(user: User): UserGrants {
    const key = [user.name, ...user.groups].join('\n');
    const known = this.#byUser.get(key);
    if (known) return known;
    if (this.#byUser.size >= maxUsers) this.#byUser.clear();
    const made = this.#gather(user);
    this.#byUser.set(key, made);
    return made;
  }

  #gather({ name, groups }: User): UserGrants {
    this.#bySubject ??= this.#readBindings();
    const subjects = [userKey(name), ...groups.map(groupKey)];
    const sources = [...new Set(subjects)].flatMap((subject) => this.#bySubject!.get(subject) ?? []);
    const byNamespace = Map.groupBy(sources, ({ namespace }) => namespace);
    return new Map([...byNamespace].map(([namespace, some]) => [namespace, this.#resolve(some)]));
  }

  #resolve(sources: readonly Source[]): Grants {
    const grants: Grant[] = [];
    const errors: string[] = [];
    for (const source of sources) {
      const rules = this.rulesOf(source.roleRef, source.namespace);
      if (rules) grants.push(...rules.map((rule) => ({ rule, source })));
      else errors.push(noSuchRole(source.roleRef));
    }
    return { grants, errors: [...new Set(errors)] };
  }

  #readBindings(): Map<string, Source[]> {
    const { roleBindings, clusterRoleBindings } = this.#caches;
    const found = new Map<string, Source[]>();
    for (const cache of [clusterRoleBindings, roleBindings]) {
      for (const { object } of cache.list(cache.prefix)) addSources(found, object as Binding);
    }
    return found;
  }
}

type Binding = (RoleBinding | ClusterRoleBinding) & KubeObject;

function addSources(found: Map<string, Source[]>, { metadata, roleRef, subjects = [] }: Binding): void {
  for (const subject of subjects) {
    const { namespace } = metadata;
    const key = keyOfSubject(subject, namespace);
    if (key === undefined) continue;
    const source = { namespace, binding: metadata.name, roleRef, subject };
    const others = found.get(key);
    if (others) others.push(source);
    else found.set(key, [source]);
  }
}

const userKey = (name: string) => `User ${name}`;
const groupKey = (name: string) => `Group ${name}`;

function keyOfSubject({ kind, name, namespace }: Subject, ownNamespace: string | undefined): string | undefined {
  if (kind === 'User') return userKey(name);
  if (kind === 'Group') return groupKey(name);
  const home = namespace || ownNamespace;
  return home ? userKey(accountUserName(home, name)) : undefined;
}

const noSuchRole = ({ kind, name }: RoleBinding['roleRef']) =>
  `${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`;

/** `RBAC: allowed by ClusterRoleBinding "admins" of ClusterRole "admin" to User "jane"` */
export function grantText({ source: { namespace, binding, roleRef, subject } }: Grant): string {
  const by = namespace === undefined ? `ClusterRoleBinding "${binding}"` : `RoleBinding "${binding}/${namespace}"`;
  const name = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace || namespace}` : subject.name;
  return `RBAC: allowed by ${by} of ${roleRef.kind} "${roleRef.name}" to ${subject.kind} "${name}"`;
}
