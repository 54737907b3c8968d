import type { User } from '../../base/exchange.ts';
import type { PolicyRule } from '../../kube/mod.ts';
import { refuse } from '../status-error.ts';
import { type Attributes, forbiddenStatus } from './attributes.ts';
import { type Grants, grantText, type RoleIndex } from './role-index.ts';
import { ruleAllows } from './rule.ts';
import { mastersGroup } from './users.ts';

export interface Decision {
  readonly allowed: boolean;
  /** Why, for people; may be ''. */
  readonly reason: string;
}

/** Somebody with an opinion beside RBAC: `allowed: false` leaves it to the others. */
export type Opinion = (attributes: Attributes) => Decision;

export interface HeldRules {
  readonly rules: readonly PolicyRule[];
  readonly errors: readonly string[];
}

/** May they? The first who says yes is enough; nobody can say no for all. */
export class Authorizer {
  readonly roles: RoleIndex;
  readonly #others: readonly Opinion[];

  constructor(roles: RoleIndex, others: readonly Opinion[]) {
    this.roles = roles;
    this.#others = others;
  }

  decide(attributes: Attributes): Decision {
    if (attributes.user.groups.includes(mastersGroup)) return { allowed: true, reason: '' };
    const reasons: string[] = [];
    for (const opinion of [...this.#others, this.#byRoles]) {
      const decision = opinion(attributes);
      if (decision.allowed) return decision;
      if (decision.reason !== '') reasons.push(decision.reason);
    }
    return { allowed: false, reason: reasons.join('\n') };
  }

  allows(attributes: Attributes): boolean {
    return this.decide(attributes).allowed;
  }

  /** Refuses the request with 403. */
  demand(attributes: Attributes): void {
    const { allowed, reason } = this.decide(attributes);
    if (!allowed) refuse(forbiddenStatus(attributes, reason));
  }

  /** Every rule that the user has in a namespace, or ('') everywhere. */
  rulesOf(user: User, namespace: string): HeldRules {
    const all = [this.roles.clusterGrants(user), this.roles.namespaceGrants(user, namespace)];
    return {
      rules: all.flatMap(({ grants }) => grants.map(({ rule }) => rule)),
      errors: all.flatMap(({ errors }) => errors),
    };
  }

  readonly #byRoles = (attributes: Attributes): Decision => {
    const { user } = attributes;
    const namespace = attributes.type === 'path' ? '' : attributes.namespace;
    const sets: Grants[] = [this.roles.clusterGrants(user), this.roles.namespaceGrants(user, namespace)];
    for (const { grants } of sets) {
      const grant = grants.find(({ rule }) => ruleAllows(rule, attributes));
      if (grant) return { allowed: true, reason: grantText(grant) };
    }
    const errors = sets.flatMap((set) => set.errors);
    return { allowed: false, reason: errors.length === 0 ? '' : `RBAC: ${errorsText(errors)}` };
  };
}

/** As Go prints an aggregate: several in brackets. */
export const errorsText = (errors: readonly string[]): string =>
  errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`;
