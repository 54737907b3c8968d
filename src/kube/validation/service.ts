import { isIPv6 } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { isExternal } from '../defaults/service.ts';
import type { Service, ServicePort, ServiceSpec } from '../kinds/service.ts';
import { validateCidr, validateIp, validateNonSpecialIp } from './addresses.ts';
import { duplicateError, type FieldError, forbiddenError, invalidError, requiredError } from './field-error.ts';
import { immutableMessage, problem, validateLabels } from './metadata.ts';
import { labelKeyProblem, labelProblem, subdomainProblem } from './names.ts';
import { inRange, validatePort, validatePortOrName } from './numbers.ts';

/** A day: the longest that session affinity may last. */
const longestAffinitySeconds = 86_400;

export function validateService({ spec }: Service): FieldError[] {
  return [
    ...typeErrors(spec),
    ...portErrors(spec),
    ...validateLabels(spec.selector, 'spec.selector'),
    ...affinityErrors(spec),
    ...clusterIpErrors(spec),
    ...externalErrors(spec),
    ...loadBalancerErrors(spec),
  ];
}

export const isHeadless = (spec: ServiceSpec): boolean => spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None';

function typeErrors(spec: ServiceSpec): FieldError[] {
  if (spec.type === 'ExternalName') return externalNameErrors(spec);
  const isExposed = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  return isExposed && isHeadless(spec)
    ? [invalidError('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`)]
    : [];
}

function externalNameErrors(spec: ServiceSpec): FieldError[] {
  const excluded = [
    ['clusterIPs', Boolean(spec.clusterIPs?.length || spec.clusterIP)],
    ['ipFamilies', Boolean(spec.ipFamilies?.length)],
    ['ipFamilyPolicy', spec.ipFamilyPolicy !== undefined],
  ] as const;
  const errors = excluded
    .filter(([, isSet]) => isSet)
    .map(([name]) => forbiddenError(`spec.${name}`, 'may not be set for ExternalName services'));
  // A CNAME may end in the dot that says it is complete.
  const target = spec.externalName?.replace(/\.$/, '');
  errors.push(
    ...(target ? problem(subdomainProblem, target, 'spec.externalName') : [requiredError('spec.externalName')]),
  );
  return errors;
}

function portErrors(spec: ServiceSpec): FieldError[] {
  const ports = spec.ports ?? [];
  if (ports.length === 0 && spec.type !== 'ExternalName' && !isHeadless(spec)) return [requiredError('spec.ports')];
  const names = repeats(ports, ({ name }) => name || undefined);
  const numbers = repeats(ports, ({ port, protocol }) => `${protocol}/${port}`);
  const nodePorts = repeats(ports, ({ nodePort, protocol }) => (nodePort ? `${protocol}/${nodePort}` : undefined));
  return ports.flatMap((port, index) => {
    const path = `spec.ports[${index}]`;
    return [
      ...servicePortErrors(port, ports.length > 1, path),
      ...(names.has(port) ? [duplicateError(`${path}.name`, port.name)] : []),
      ...nodePortErrors(spec, port, path),
      ...(nodePorts.has(port) ? [duplicateError(`${path}.nodePort`, port.nodePort)] : []),
      ...(numbers.has(port) ? [duplicateError(path, { protocol: port.protocol, port: port.port })] : []),
    ];
  });
}

function servicePortErrors(port: ServicePort, needsName: boolean, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (port.name) errors.push(...problem(labelProblem, port.name, `${path}.name`));
  else if (needsName) errors.push(requiredError(`${path}.name`));
  errors.push(...validatePort(port.port, `${path}.port`), ...validatePortOrName(port.targetPort, `${path}.targetPort`));
  if (port.appProtocol !== undefined) errors.push(...problem(labelKeyProblem, port.appProtocol, `${path}.appProtocol`));
  return errors;
}

/** Whether the number lies in the cluster's range is for the allocator to say. */
function nodePortErrors(spec: ServiceSpec, { nodePort }: ServicePort, path: string): FieldError[] {
  if (!nodePort) return [];
  if (spec.type === 'ClusterIP') {
    return [forbiddenError(`${path}.nodePort`, "may not be used when `type` is 'ClusterIP'")];
  }
  return validatePort(nodePort, `${path}.nodePort`);
}

/** The items that repeat an earlier one's identity. */
function repeats<Item>(items: readonly Item[], identityOf: (item: Item) => string | undefined): Set<Item> {
  const seen = new Set<string>();
  const repeated = new Set<Item>();
  for (const item of items) {
    const identity = identityOf(item);
    if (identity === undefined) continue;
    if (seen.has(identity)) repeated.add(item);
    seen.add(identity);
  }
  return repeated;
}

function affinityErrors({ sessionAffinity, sessionAffinityConfig }: ServiceSpec): FieldError[] {
  if (sessionAffinity !== 'ClientIP') {
    const detail = 'must not be set when session affinity is None';
    return sessionAffinityConfig ? [forbiddenError('spec.sessionAffinityConfig', detail)] : [];
  }
  const path = 'spec.sessionAffinityConfig.clientIP.timeoutSeconds';
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (seconds === undefined) return [requiredError(path)];
  return seconds > 0 && seconds <= longestAffinitySeconds
    ? []
    : [invalidError(path, seconds, `must be greater than 0 and less than or equal to ${longestAffinitySeconds}`)];
}

function clusterIpErrors(spec: ServiceSpec): FieldError[] {
  if (spec.type === 'ExternalName') return [];
  const { clusterIP, clusterIPs = [], ipFamilies = [] } = spec;
  const errors: FieldError[] = [];
  if (clusterIP && clusterIPs[0] !== clusterIP) {
    errors.push(invalidError('spec.clusterIPs', clusterIPs, 'first value must match `clusterIP`'));
  }
  if (!clusterIP && clusterIPs.length > 0) {
    errors.push(invalidError('spec.clusterIPs', clusterIPs, 'must be empty when `clusterIP` is not specified'));
  }
  errors.push(...familyErrors(ipFamilies));
  const broken = clusterIPs.flatMap((ip, index) => clusterIpError(ip, index, clusterIPs));
  if (broken.length > 0) return [...errors, ...broken];
  if (clusterIPs.length > 2) errors.push(invalidError('spec.clusterIPs', clusterIPs, 'may only hold up to 2 values'));
  if (clusterIPs.length === 2 && isIPv6(clusterIPs[0]!) === isIPv6(clusterIPs[1]!)) {
    errors.push(invalidError('spec.clusterIPs', clusterIPs, 'may specify no more than one IP for each IP family'));
  }
  return isHeadless(spec) ? errors : [...errors, ...mismatchErrors(clusterIPs, ipFamilies)];
}

function clusterIpError(ip: string, index: number, all: readonly string[]): FieldError[] {
  if (index > 0 || ip !== 'None') return validateIp(ip, `spec.clusterIPs[${index}]`);
  return all.length > 1 ? [invalidError('spec.clusterIPs', all, "'None' must be the first and only value")] : [];
}

const familyErrors = (families: readonly string[]): FieldError[] =>
  families.flatMap((family, index) =>
    families.indexOf(family) < index ? [duplicateError(`spec.ipFamilies[${index}]`, family)] : [],
  );

const mismatchErrors = (clusterIPs: readonly string[], families: readonly string[]): FieldError[] =>
  clusterIPs.flatMap((ip, index) => {
    const family = families[index];
    if (family === undefined || (family === 'IPv6') === isIPv6(ip)) return [];
    const detail = `expected an ${family} value as indicated by \`ipFamilies[${index}]\``;
    return [invalidError(`spec.clusterIPs[${index}]`, ip, detail)];
  });

function externalErrors(spec: ServiceSpec): FieldError[] {
  const errors = (spec.externalIPs ?? []).flatMap((ip, index) => {
    const path = `spec.externalIPs[${index}]`;
    const malformed = validateIp(ip, path);
    return malformed.length > 0 ? malformed : validateNonSpecialIp(ip, path);
  });
  if (spec.externalTrafficPolicy && !isExternal(spec)) {
    const detail = 'may only be set for externally-accessible services';
    errors.push(invalidError('spec.externalTrafficPolicy', spec.externalTrafficPolicy, detail));
  }
  return errors;
}

function loadBalancerErrors(spec: ServiceSpec): FieldError[] {
  const isLoadBalancer = spec.type === 'LoadBalancer';
  const only = "may only be used when `type` is 'LoadBalancer'";
  const errors: FieldError[] = [];
  if (!isLoadBalancer) {
    if (spec.allocateLoadBalancerNodePorts !== undefined) {
      errors.push(forbiddenError('spec.allocateLoadBalancerNodePorts', only));
    }
    if (spec.loadBalancerClass !== undefined) errors.push(forbiddenError('spec.loadBalancerClass', only));
    if (spec.loadBalancerSourceRanges?.length) errors.push(forbiddenError('spec.LoadBalancerSourceRanges', only));
  } else if (spec.loadBalancerClass !== undefined) {
    errors.push(...problem(labelKeyProblem, spec.loadBalancerClass, 'spec.loadBalancerClass'));
  }
  for (const [index, range] of (spec.loadBalancerSourceRanges ?? []).entries()) {
    errors.push(...validateCidr(range.trim(), `spec.LoadBalancerSourceRanges[${index}]`));
  }
  return [...errors, ...healthCheckErrors(spec)];
}

/** The port on which a node tells a load balancer whether it has local endpoints. */
function healthCheckErrors(spec: ServiceSpec): FieldError[] {
  const port = spec.healthCheckNodePort;
  if (!port) return [];
  if (spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local') {
    return inRange(port, 1, 65_535, 'spec.healthCheckNodePort');
  }
  const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
  return [invalidError('spec.healthCheckNodePort', port, detail)];
}

/** What the server allocated and `after` left out has been carried over before. */
export function validateServiceUpdate({ spec: before }: Service, { spec: after }: Service): FieldError[] {
  const errors: FieldError[] = [];
  if (before.type === 'LoadBalancer' && after.type === 'LoadBalancer') {
    if (before.loadBalancerClass !== after.loadBalancerClass) {
      errors.push(invalidError('spec.loadBalancerClass', after.loadBalancerClass, 'may not change once set'));
    }
    if (before.healthCheckNodePort && after.healthCheckNodePort !== before.healthCheckNodePort) {
      errors.push(forbiddenError('spec.healthCheckNodePort', immutableMessage));
    }
  }
  if (before.type === 'ExternalName' || after.type === 'ExternalName') return errors;
  return [...errors, ...fixedAddressErrors(before, after)];
}

/** The virtual address stays as long as the Service does; a second family may come and go. */
function fixedAddressErrors(before: ServiceSpec, after: ServiceSpec): FieldError[] {
  if (isHeadless(before) && isHeadless(after)) return [];
  const [old = [], now = []] = [before.clusterIPs, after.clusterIPs];
  if (old.length > 0 && now.length === 0) {
    return [invalidError('spec.clusterIPs[0]', now, 'primary clusterIP can not be unset')];
  }
  const errors = old.flatMap((ip, index) =>
    now[index] !== undefined && now[index] !== ip
      ? [invalidError(`spec.clusterIPs[${index}]`, now, 'may not change once set')]
      : [],
  );
  if (now.length < old.length && after.ipFamilyPolicy !== 'SingleStack') {
    const detail = "must be set to 'SingleStack' when releasing the secondary clusterIP";
    errors.push(invalidError('spec.ipFamilyPolicy', after.ipFamilyPolicy, detail));
  }
  const [oldFamily, family] = [before.ipFamilies?.[0], after.ipFamilies?.[0]];
  if (isHeadless(before) === isHeadless(after) && oldFamily && family && !isDeepStrictEqual(oldFamily, family)) {
    errors.push(invalidError('spec.ipFamilies[0]', after.ipFamilies, 'may not change once set'));
  }
  return errors;
}
