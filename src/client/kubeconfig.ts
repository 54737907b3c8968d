import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { messageOf, UsageError } from '../base/errors.ts';
import type { TlsMaterial, TlsPaths } from './tls-files.ts';

/** What a kubeconfig says about its current context. PEM texts, read from the file or the files it names. */
export interface KubeConfig extends TlsMaterial {
  readonly server: string;
  /** Further servers of the cluster: its extension `signalbox/servers`, which kubectl passes over. */
  readonly otherServers?: readonly string[];
  /** Which of them were read from files of their own, and may be renewed there. */
  readonly tlsPaths?: TlsPaths;
  readonly token?: string;
  /** Absolute path; the token in it may be renewed at any time. */
  readonly tokenFile?: string;
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify?: boolean;
  readonly namespace: string;
}

type Fields = Record<string, unknown>;

/**
 * Reads a kubeconfig (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/); throws UsageError naming the
 * file and the field. Paths in it are relative to the file.
 * @param context instead of the file's `current-context`
 */
export function loadKubeconfig(path: string, context?: string): KubeConfig {
  return new Kubeconfig(path).config(context);
}

class Kubeconfig {
  readonly #path: string;
  readonly #root: Fields;
  readonly #tlsPaths = new Map<keyof TlsPaths, string>();

  constructor(path: string) {
    this.#path = path;
    this.#root = this.#read();
  }

  config(chosen: string | undefined): KubeConfig {
    const contextName = chosen ?? this.#text(this.#root, 'current-context', '');
    if (!contextName) throw this.#mistake('current-context is missing', 'Name one of the contexts of the file there');
    const context = this.#entry('contexts', contextName, 'context');
    const at = `contexts[${contextName}].context.`;
    const clusterName = this.#text(context, 'cluster', at);
    if (!clusterName) throw this.#mistake(`${at}cluster is missing`);
    const userName = this.#text(context, 'user', at);
    const cluster = this.#cluster(clusterName);
    const user = userName ? this.#user(userName) : {};
    return {
      ...cluster,
      ...user,
      ...(this.#tlsPaths.size > 0 && { tlsPaths: Object.fromEntries(this.#tlsPaths) }),
      namespace: this.#text(context, 'namespace', at) ?? 'default',
    };
  }

  #cluster(name: string) {
    const cluster = this.#entry('clusters', name, 'cluster');
    const at = `clusters[${name}].cluster.`;
    const server = this.#text(cluster, 'server', at);
    if (!server) throw this.#mistake(`${at}server is missing`, 'Write the API server there: https://10.0.0.1:6443');
    this.#checkUrl(server, `${at}server`);
    return defined({
      server,
      otherServers: this.#otherServers(cluster, at),
      ca: this.#pem(cluster, 'ca', 'certificate-authority', at),
      tlsServerName: this.#text(cluster, 'tls-server-name', at),
      insecureSkipTlsVerify: cluster['insecure-skip-tls-verify'] === true || undefined,
    });
  }

  #checkUrl(url: unknown, field: string): void {
    if (typeof url === 'string' && /^https?:$/.test(URL.parse(url)?.protocol ?? '')) return;
    throw this.#mistake(`${field} is not a URL with http or https: ${JSON.stringify(url)}`);
  }

  /** `extensions: [{ name: signalbox/servers, extension: [https://10.0.0.2:6443] }]` */
  #otherServers(cluster: Fields, at: string): readonly string[] | undefined {
    if (!Array.isArray(cluster.extensions)) return undefined;
    const found = cluster.extensions.find((extension) => extension?.name === 'signalbox/servers');
    if (!found) return undefined;
    const field = `${at}extensions[signalbox/servers].extension`;
    if (!Array.isArray(found.extension)) throw this.#mistake(`${field} is not a list of URLs`);
    for (const url of found.extension) this.#checkUrl(url, field);
    return found.extension;
  }

  #user(name: string) {
    const user = this.#entry('users', name, 'user');
    const at = `users[${name}].user.`;
    for (const field of ['exec', 'auth-provider']) {
      if (user[field] !== undefined) {
        throw this.#mistake(`${at}${field} is not supported`, 'Use a client certificate, token or tokenFile');
      }
    }
    const tokenFile = this.#text(user, 'tokenFile', at);
    if (tokenFile) this.#file(tokenFile, `${at}tokenFile`);
    const credentials = defined({
      cert: this.#pem(user, 'cert', 'client-certificate', at),
      key: this.#pem(user, 'key', 'client-key', at),
      tokenFile: tokenFile && resolve(dirname(this.#path), tokenFile),
      token: tokenFile ? undefined : this.#text(user, 'token', at),
    });
    if ((credentials.cert === undefined) !== (credentials.key === undefined)) {
      throw this.#mistake(
        `${at}client-${credentials.cert ? 'key' : 'certificate'}-data is missing beside its other half`,
      );
    }
    return credentials;
  }

  /** `FIELD-data` in base64, or the file that `FIELD` names. */
  #pem(fields: Fields, name: keyof TlsPaths, field: string, at: string): string | undefined {
    const data = this.#text(fields, `${field}-data`, at);
    if (data) {
      const pem = decodeBase64(data);
      if (pem === undefined) throw this.#mistake(`${at}${field}-data is not base64`);
      return this.#checkedPem(pem, `${at}${field}-data`);
    }
    const path = this.#text(fields, field, at);
    if (!path) return undefined;
    this.#tlsPaths.set(name, resolve(dirname(this.#path), path));
    return this.#checkedPem(this.#file(path, `${at}${field}`), `${at}${field}`);
  }

  #checkedPem(pem: string, field: string): string {
    if (!pem.includes('-----BEGIN ')) throw this.#mistake(`${field} holds no PEM block (-----BEGIN …)`);
    return pem;
  }

  #file(path: string, field: string): string {
    try {
      return readFileSync(resolve(dirname(this.#path), path), 'utf8');
    } catch (error) {
      throw this.#mistake(`${field} names a file that cannot be read: ${messageOf(error)}`);
    }
  }

  /** The entry of this name in one of the lists of named things. */
  #entry(list: string, name: string, member: string): Fields {
    const entries = this.#root[list];
    if (!Array.isArray(entries) || entries.length === 0) throw this.#mistake(`${list} is missing or empty`);
    const entry = entries.find((candidate) => candidate?.name === name);
    if (!entry) {
      const known = entries.map((candidate) => candidate?.name).join(', ');
      throw this.#mistake(`${list} has no entry named ${JSON.stringify(name)}`, `It has: ${known}`);
    }
    if (!isFields(entry[member])) throw this.#mistake(`${list}[${name}].${member} is missing`);
    return entry[member];
  }

  #text(fields: Fields, field: string, at: string): string | undefined {
    const value = fields[field];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value !== 'string') throw this.#mistake(`${at}${field} is not a string`);
    return value;
  }

  #read(): Fields {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      throw this.#mistake(messageOf(error), 'Give the path of a kubeconfig with --kubeconfig');
    }
    // Loaded only now: whoever runs as a Pod of the cluster has no kubeconfig, and 5 MiB less.
    const { parseDocument } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
    const document = parseDocument(text);
    const first = document.errors[0];
    if (first) throw this.#mistake(`It is not YAML: ${first.message.split('\n')[0]}`);
    const root: unknown = document.toJS();
    if (!isFields(root)) throw this.#mistake('It is not a YAML mapping');
    return root;
  }

  #mistake(state: string, hint?: string): UsageError {
    return new UsageError(`Read kubeconfig ${this.#path}`, state, hint);
  }
}

const isFields = (value: unknown): value is Fields =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

function decodeBase64(text: string): string | undefined {
  const compact = text.replace(/\s+/g, '');
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return undefined;
  return Buffer.from(compact, 'base64').toString('utf8');
}

type Defined<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };
function defined<T extends Fields & { server: string }>(fields: T): Defined<T> & { server: string };
function defined<T extends Fields>(fields: T): Defined<T>;
function defined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
