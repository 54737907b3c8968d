import type { Clock } from '../../base/clock.ts';
import type { ApiRequest, User } from '../../base/exchange.ts';
import type { Resource, Writer } from '../../kube/mod.ts';
import type { Store } from '../../store/port.ts';
import type { Admission } from '../admission/admission.ts';
import type { Tokens } from '../authentication/tokens.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { Feed } from '../cache/feed.ts';
import type { Registry } from '../registry/registry.ts';
import { managerOf, type WriteOptions } from '../request/options.ts';
import type { ResourceRoute } from '../request/route.ts';

/** What answering requests about objects needs. */
export interface ServeParts {
  readonly store: Store;
  readonly feed: Feed;
  readonly clock: Clock;
  readonly registryOf: (resource: Resource) => Registry;
  readonly authorizer: Authorizer;
  readonly tokens: Tokens;
  readonly admissions: readonly Admission[];
}

/** One request about an object or a collection. */
export interface Call extends ServeParts {
  readonly user: User;
  readonly request: ApiRequest;
  readonly route: ResourceRoute;
  readonly registry: Registry;
}

/** The same, about one named object. */
export interface NamedCall extends Call {
  readonly ref: { readonly namespace: string | undefined; readonly name: string };
}

/** Who comes to own what the call changes. */
export const writerOf = ({ request, route }: Call, { fieldManager }: Pick<WriteOptions, 'fieldManager'>): Writer => ({
  manager: fieldManager || managerOf(request.headers['user-agent']),
  ...(route.subresource !== undefined && { subresource: route.subresource }),
});
