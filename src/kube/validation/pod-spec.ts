import type { PodSpec } from '../kinds/pod.ts';
import { validateIp } from './addresses.ts';
import { validateContainers } from './container.ts';
import {
  duplicateError,
  type FieldError,
  forbiddenError,
  invalidError,
  notSupportedError,
  requiredError,
} from './field-error.ts';
import { problem, validateLabels } from './metadata.ts';
import { labelKeyProblem, labelProblem, subdomainProblem } from './names.ts';
import { inRange, notNegative } from './numbers.ts';

const greatestInt32 = 2_147_483_647;

/** A Pod's spec or a template's; `path` is where it stands. */
export function validatePodSpec(spec: PodSpec, path: string): FieldError[] {
  return [
    ...volumeErrors(spec, path),
    ...validateContainers(spec, path),
    ...nameErrors(spec, path),
    ...timeErrors(spec, path),
    ...dnsErrors(spec, path),
    ...hostAliasErrors(spec, path),
    ...validateLabels(spec.nodeSelector, `${path}.nodeSelector`),
    ...tolerationErrors(spec, path),
    ...(spec.readinessGates ?? []).flatMap(({ conditionType }, index) =>
      problem(labelKeyProblem, conditionType, `${path}.readinessGates[${index}].conditionType`),
    ),
    ...namespaceErrors(spec, path),
  ];
}

function volumeErrors({ volumes = [] }: PodSpec, path: string): FieldError[] {
  const names = new Set<string>();
  return volumes.flatMap((volume, index) => {
    const at = `${path}.volumes[${index}]`;
    const errors: FieldError[] = [];
    if (volume.name === '') errors.push(requiredError(`${at}.name`));
    else errors.push(...problem(labelProblem, volume.name, `${at}.name`));
    if (names.has(volume.name)) errors.push(duplicateError(`${at}.name`, volume.name));
    names.add(volume.name);
    const [first, ...more] = Object.keys(volume).filter((name) => name !== 'name');
    if (first === undefined) errors.push(requiredError(at, 'must specify a volume type'));
    const detail = 'may not specify more than 1 volume type';
    return [...errors, ...more.map((source) => forbiddenError(`${at}.${source}`, detail))];
  });
}

function nameErrors(spec: PodSpec, path: string): FieldError[] {
  const named = [
    ['hostname', labelProblem],
    ['subdomain', labelProblem],
    ['nodeName', subdomainProblem],
    ['serviceAccountName', subdomainProblem],
    ['priorityClassName', subdomainProblem],
    ['runtimeClassName', subdomainProblem],
  ] as const;
  return named.flatMap(([name, rule]) => (spec[name] ? problem(rule, spec[name], `${path}.${name}`) : []));
}

function timeErrors(spec: PodSpec, path: string): FieldError[] {
  const deadline = spec.activeDeadlineSeconds;
  return [
    ...notNegative(spec.terminationGracePeriodSeconds, `${path}.terminationGracePeriodSeconds`),
    ...(deadline === undefined ? [] : inRange(deadline, 1, greatestInt32, `${path}.activeDeadlineSeconds`)),
  ];
}

/** glibc reads three servers; upstream allows no more than all libraries do. */
function dnsErrors({ dnsPolicy, dnsConfig }: PodSpec, path: string): FieldError[] {
  const servers = dnsConfig?.nameservers ?? [];
  const at = `${path}.dnsConfig`;
  const errors = servers.flatMap((server, index) => validateIp(server, `${at}.nameservers[${index}]`));
  if (servers.length > 3)
    errors.push(invalidError(`${at}.nameservers`, servers, 'must not have more than 3 nameservers'));
  if (dnsPolicy === 'None' && !dnsConfig)
    errors.push(requiredError(at, 'must provide `dnsConfig` when `dnsPolicy` is None'));
  else if (dnsPolicy === 'None' && servers.length === 0) {
    const detail = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
    errors.push(requiredError(`${at}.nameservers`, detail));
  }
  const searches = dnsConfig?.searches ?? [];
  if (searches.length > 32) {
    errors.push(invalidError(`${at}.searches`, searches, 'must not have more than 32 search paths'));
  }
  return errors;
}

const hostAliasErrors = ({ hostAliases = [] }: PodSpec, path: string): FieldError[] =>
  hostAliases.flatMap(({ ip, hostnames = [] }, index) => [
    ...validateIp(ip, `${path}.hostAliases[${index}].ip`),
    ...hostnames.flatMap((name) => problem(subdomainProblem, name, `${path}.hostAliases[${index}].hostnames`)),
  ]);

const effects = ['NoExecute', 'NoSchedule', 'PreferNoSchedule'];

function tolerationErrors({ tolerations = [] }: PodSpec, path: string): FieldError[] {
  return tolerations.flatMap(({ key, operator = 'Equal', value, effect, tolerationSeconds }, index) => {
    const at = `${path}.tolerations[${index}]`;
    const errors = key ? problem(labelKeyProblem, key, `${at}.key`) : [];
    if (!key && operator !== 'Exists') {
      const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalidError(`${at}.operator`, operator, detail));
    }
    if (operator === 'Exists' && value) {
      errors.push(invalidError(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"));
    }
    if (effect && !effects.includes(effect)) errors.push(notSupportedError(`${at}.effect`, effect, effects));
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      const detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
      errors.push(invalidError(`${at}.effect`, effect ?? '', detail));
    }
    return errors;
  });
}

function namespaceErrors(spec: PodSpec, path: string): FieldError[] {
  if (!spec.hostPID || !spec.shareProcessNamespace) return [];
  const detail = 'ShareProcessNamespace and HostPID cannot both be enabled';
  return [invalidError(`${path}.shareProcessNamespace`, true, detail)];
}
