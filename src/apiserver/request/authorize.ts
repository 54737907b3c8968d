import type { ApiRequest } from '../../base/exchange.ts';
import { failure, forbidden } from '../../kube/mod.ts';
import { refuse } from '../status-error.ts';
import type { Route } from './route.ts';

export type User = NonNullable<ApiRequest['user']>;

export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** The server's own controllers, which call it in process. */
export const loopback: User = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

/** What tells a load balancer or a newcomer that the server is there, and which one it is. */
const publicPages = new Set(['/healthz', '/livez', '/readyz', '/version']);

/** Everybody who has proven a name may do everything; who has not may only look whether the server is well. */
export function authorize(user: User, method: string, route: Route): void {
  if (user !== anonymous && !user.groups.includes('system:unauthenticated')) return;
  if (route.type === 'page') {
    const root = `/${route.path.split('/')[1]}`;
    if (publicPages.has(root)) return;
    refuse(
      failure('Forbidden', `forbidden: User "${user.name}" cannot ${method.toLowerCase()} path "${route.path}"`, {}),
    );
  } else {
    const { resource, namespace, name } = route;
    const where = namespace ? ` in the namespace "${namespace}"` : ' at the cluster scope';
    const what = `cannot ${verbOf(method)} resource "${resource.plural}" in API group "${resource.group}"${where}`;
    refuse(forbidden(resource, name ?? '', `User "${user.name}" ${what}`));
  }
}

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};
const verbOf = (method: string) => verbs[method] ?? method.toLowerCase();
