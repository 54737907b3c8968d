import { messageOf } from '../../base/errors.ts';
import type { ApiRequest, ApiResponse, Exchange, User } from '../../base/exchange.ts';
import type { Logger } from '../../base/log.ts';
import { internalError, noSuchResource, serviceUnavailable } from '../../kube/mod.ts';
import { attributesOf } from '../authorization/attributes.ts';
import { impersonate } from '../authorization/impersonation.ts';
import { anonymous } from '../authorization/users.ts';
import type { Pages } from '../discovery/pages.ts';
import { statusResponse } from '../encoding/response.ts';
import { pageOf, parseRoute, type ResourceRoute } from '../request/route.ts';
import { isStatusError, refuse } from '../status-error.ts';
import { storeRefusal } from '../store-refusal.ts';
import { serveCollection } from './collection.ts';
import type { Call, ServeParts } from './context.ts';
import { serveObject } from './object.ts';
import { isReview, serveReview } from './review.ts';
import { serveSubresource } from './subresource.ts';

export interface AnswerParts extends ServeParts {
  readonly pages: Pages;
  readonly log: Logger;
}

/** One request from its address to its answer; whatever goes wrong on the way becomes a Status. */
export function createAnswer(parts: AnswerParts): Exchange {
  return async (request) => {
    try {
      return await answer(parts, request);
    } catch (thrown) {
      const error = isStatusError(thrown) ? thrown : statusErrorOf(thrown);
      if (isStatusError(error)) return statusResponse(error.status);
      // A mistake of ours: whoever asked is told that much, the stack is for us.
      parts.log.error('Request failed', { method: request.method, url: request.url, error: stackOf(error) });
      return statusResponse(internalError(messageOf(error)));
    }
  };
}

/** A store that cannot be asked is no mistake of ours. */
function statusErrorOf(thrown: unknown): unknown {
  try {
    return storeRefusal(thrown);
  } catch (refusal) {
    return refusal;
  }
}

async function answer(parts: AnswerParts, original: ApiRequest): Promise<ApiResponse> {
  // What HEAD leaves out, the transport leaves out.
  const request = original.method === 'HEAD' ? { ...original, method: 'GET' } : original;
  const user = impersonate(parts.authorizer, request.user ?? anonymous, request.impersonate);
  const route = parseRoute(request.url);
  // Where there is nothing is told only to those who may look there.
  parts.authorizer.demand(attributesOf(user, request.method, route ?? pageOf(request.url)));
  if (!route) return refuse(noSuchResource());
  if (route.type === 'page') return parts.pages.serve(request, route);
  if (parts.feed.hasEnded) refuse(serviceUnavailable('the store is not available'));
  return serveResource(parts, request, user, route);
}

function serveResource(
  parts: ServeParts,
  request: ApiRequest,
  user: User,
  route: ResourceRoute,
): Promise<ApiResponse> | ApiResponse {
  if (isReview(route.resource)) return serveReview({ ...parts, request, user, route });
  const call: Call = { ...parts, request, user, route, registry: parts.registryOf(route.resource) };
  const { namespace, name, subresource } = route;
  if (name === undefined) return serveCollection(call);
  const named = { ...call, ref: { namespace, name } };
  return subresource === undefined ? serveObject(named) : serveSubresource(named, subresource);
}

const stackOf = (error: unknown) => (error instanceof Error ? error.stack : messageOf(error));
