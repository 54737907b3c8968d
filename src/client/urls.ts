import type { Resource } from '../kube/port.ts';
import type { Selectors } from './port.ts';

export interface Place {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/** `/apis/apps/v1/namespaces/default/deployments/web/status` */
export function pathOf(resource: Resource, place: Place): string {
  const group = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const namespace =
    resource.namespaced && place.namespace !== undefined ? `/namespaces/${encodeURIComponent(place.namespace)}` : '';
  const name = place.name === undefined ? '' : `/${encodeURIComponent(place.name)}`;
  const subresource = place.subresource === undefined ? '' : `/${place.subresource}`;
  return `${group}${namespace}/${resource.plural}${name}${subresource}`;
}

/** `?watch=1&resourceVersion=7`; what is undefined or empty is left out. */
export function queryOf(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const pairs = Object.entries(parameters)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${name}=${encodeURIComponent(value as string | number)}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

export const selectorParameters = ({ labelSelector, fieldSelector }: Selectors) => ({ labelSelector, fieldSelector });
