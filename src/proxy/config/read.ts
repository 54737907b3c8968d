import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { messageOf, UsageError } from '../../base/errors.ts';
import { type KubeProxyConfiguration, kubeProxyConfiguration, validateSchema } from '../../kube/mod.ts';
import { applyConfigDefaults, type GivenConfiguration } from './defaults.ts';
import { effectlessFields, formerFields } from './meaningless.ts';
import { validateConfiguration } from './validate.ts';

export interface ReadConfiguration {
  readonly config: KubeProxyConfiguration;
  /** Sentences about fields that are deprecated or mean nothing here. */
  readonly warnings: readonly string[];
}

/** Throws UsageError naming the file and every field that is unknown or wrong. */
export function readConfigurationFile(path: string): ReadConfiguration {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`Read ${path}`, messageOf(error), 'Give the path of a KubeProxyConfiguration with --config');
  }
  return readConfiguration(text, path);
}

/**
 * A KubeProxyConfiguration in YAML or JSON, with its defaults. Strict: upstream reads v1alpha1 again without the fields
 * that it does not know, so that a field with a slip of the pen is lost; here it is refused.
 * @param source the file's name, for errors
 */
export function readConfiguration(text: string, source: string): ReadConfiguration {
  const operation = `Read ${source}`;
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw new UsageError(operation, error.message.split('\n')[0] ?? '');
  const given: unknown = document.toJS();
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new UsageError(operation, 'it is no KubeProxyConfiguration');
  }
  return checkConfiguration(given, operation);
}

/** As `readConfiguration`, for an object that came otherwise, from flags for instance. */
export function checkConfiguration(given: GivenConfiguration, operation: string): ReadConfiguration {
  checkType(given, operation);
  const { errors, unknown } = validateSchema(kubeProxyConfiguration, given);
  const former = Object.entries(formerFields).filter(([path]) => unknown.includes(unknownField(path)));
  const refused = unknown.filter((sentence) => !former.some(([path]) => sentence === unknownField(path)));
  refuse(operation, [...refused, ...errors.map(({ path, message }) => `${path}: ${message}`)]);
  const config = applyConfigDefaults(given);
  refuse(
    operation,
    validateConfiguration(config).map(({ path, message }) => `${path}: ${message}`),
  );
  const warnings = [...former.map(([path, why]) => `${path} has no effect: ${why}`), ...effectlessFields(given)];
  return { config, warnings };
}

const unknownField = (path: string): string => `unknown field ${JSON.stringify(path)}`;

function checkType(given: GivenConfiguration, operation: string): void {
  const { apiVersion, kind } = given;
  if (kind !== 'KubeProxyConfiguration') {
    throw new UsageError(operation, `kind: Unsupported value: ${JSON.stringify(kind) ?? 'null'}`, typeHint);
  }
  if (apiVersion !== 'kubeproxy.config.k8s.io/v1alpha1') {
    throw new UsageError(operation, `apiVersion: Unsupported value: ${JSON.stringify(apiVersion) ?? 'null'}`, typeHint);
  }
}

const typeHint = 'Begin the file with apiVersion: kubeproxy.config.k8s.io/v1alpha1 and kind: KubeProxyConfiguration';

function refuse(operation: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new UsageError(operation, problems.join(', '));
}
