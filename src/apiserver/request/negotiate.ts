import { notAcceptable } from '../../kube/mod.ts';
import { refuse } from '../status-error.ts';

/** The form in which objects are answered. */
export type Form = 'object' | 'table' | 'partial' | 'partial-list';

interface Offer {
  readonly mediaType: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** What the client accepts, in its order (nobody in this trade sends q-values). */
function offersOf(accept: string | undefined): Offer[] {
  return (accept || '*/*').split(',').map((part) => {
    const [mediaType, ...parameters] = part.split(';').map((text) => text.trim());
    const pairs = parameters.map((text): [string, string] => {
      const equals = text.indexOf('=');
      return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
    });
    return { mediaType: mediaType!.toLowerCase(), parameters: new Map(pairs) };
  });
}

const jsonTypes = new Set(['application/json', 'application/*', '*/*']);
const isJson = (offer: Offer) => jsonTypes.has(offer.mediaType);

/** Whether plain JSON is acceptable at all; refuses when it is not. */
export function acceptJson(accept: string | undefined): void {
  if (!offersOf(accept).some((offer) => isJson(offer))) refuse(notAcceptable(['application/json']));
}

const forms: Readonly<Record<string, Form>> = {
  Table: 'table',
  PartialObjectMetadata: 'partial',
  PartialObjectMetadataList: 'partial-list',
};

/** The first form of the client's list that we have: `application/json;as=Table;v=v1;g=meta.k8s.io`. */
export function formOf(accept: string | undefined): Form {
  for (const offer of offersOf(accept)) {
    if (!isJson(offer)) continue;
    const as = offer.parameters.get('as');
    if (as === undefined) return 'object';
    const form = forms[as];
    if (form && offer.parameters.get('g') === 'meta.k8s.io' && offer.parameters.get('v') === 'v1') return form;
  }
  return refuse(notAcceptable(['application/json']));
}

/** Whether discovery is wanted in one document (`apidiscovery.k8s.io/v2`), before the plain one. */
export function wantsAggregated(accept: string | undefined): boolean {
  for (const offer of offersOf(accept)) {
    if (!isJson(offer)) continue;
    if (offer.parameters.get('as') === undefined) return false;
    if (offer.parameters.get('g') === 'apidiscovery.k8s.io' && offer.parameters.get('v') === 'v2') return true;
  }
  return false;
}
