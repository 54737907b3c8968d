import { encodeName, keyOf, labelsOf, MalformedMessageError } from '../../wire/dns/mod.ts';
import { Apex } from './apex.ts';

/** One of the domains under which the cluster has its names: `cluster.local`. */
export class Domain {
  readonly text: string;
  readonly apex: Apex;
  readonly #labels: readonly string[];

  /** Throws MalformedMessageError for text that is no domain. */
  constructor(text: string, ttlSeconds: number) {
    this.text = text;
    this.apex = new Apex({ zone: text, clusterDomain: text, ttlSeconds });
    this.#labels = labelsOf(keyOf(text));
  }

  /** The labels before the domain; undefined for a name elsewhere. */
  labelsBelow(labels: readonly string[]): string[] | undefined {
    const count = labels.length - this.#labels.length;
    if (count < 0 || this.#labels.some((label, index) => labels[count + index] !== label)) return undefined;
    return labels.slice(0, count);
  }

  /** `web.default.svc.<domain>`; undefined when DNS cannot carry it: names come from other people's objects. */
  serviceName(namespace: string, service: string): Uint8Array | undefined {
    return tryEncode(`${service}.${namespace}.svc.${this.text}`);
  }

  /** `<label>.web.default.svc.<domain>` */
  endpointName(namespace: string, service: string, label: string): Uint8Array | undefined {
    const name = this.serviceName(namespace, service);
    if (!name || label === '' || label.length > 63 || name.length + label.length + 1 > 255) return undefined;
    return Buffer.concat([Uint8Array.of(label.length), Buffer.from(label, 'latin1'), name]);
  }
}

export function tryEncode(name: string): Uint8Array | undefined {
  try {
    return encodeName(name);
  } catch (error) {
    if (error instanceof MalformedMessageError) return undefined;
    throw error;
  }
}
