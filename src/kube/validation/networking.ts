import { isIP, isIPv4 } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { Ingress, IngressClass, IPAddress, ServiceCIDR } from '../kinds/networking.ts';
import type { KubeInput } from '../meta.ts';
import { ipProblem, validateCidr } from './addresses.ts';
import { type FieldError, invalidError, requiredError, tooManyError } from './field-error.ts';
import { immutableMessage, problem } from './metadata.ts';
import { label1035Problem, pathSegmentProblem, subdomainProblem } from './names.ts';
import { portNameProblems, validatePort } from './numbers.ts';

type Spec = NonNullable<Ingress['spec']>;
type Backend = NonNullable<Spec['defaultBackend']>;
type Path = NonNullable<NonNullable<Spec['rules']>[number]['http']>['paths'][number];

export function validateIngress({ spec = {} }: Ingress): FieldError[] {
  const { rules = [], defaultBackend, ingressClassName, tls = [] } = spec;
  const errors: FieldError[] = [];
  if (rules.length === 0 && !defaultBackend)
    errors.push(invalidError('spec', spec, 'either `defaultBackend` or `rules` must be specified'));
  if (defaultBackend) errors.push(...backendErrors(defaultBackend, 'spec.defaultBackend'));
  for (const [index, { host, http }] of rules.entries()) {
    const path = `spec.rules[${index}]`;
    if (host) errors.push(...hostErrors(host, `${path}.host`));
    if (http) errors.push(...pathsErrors(http.paths, `${path}.http.paths`));
  }
  for (const [index, { hosts = [] }] of tls.entries())
    errors.push(...hosts.flatMap((host, place) => hostErrors(host, `spec.tls[${index}].hosts[${place}]`)));
  if (ingressClassName) errors.push(...problem(subdomainProblem, ingressClassName, 'spec.ingressClassName'));
  return errors;
}

function hostErrors(host: string, path: string): FieldError[] {
  if (isIP(host)) return [invalidError(path, host, 'must be a DNS name, not an IP address')];
  return problem(subdomainProblem, host.startsWith('*.') ? host.slice(2) : host, path, host);
}

function pathsErrors(paths: readonly Path[], at: string): FieldError[] {
  if (paths.length === 0) return [requiredError(at)];
  return paths.flatMap(({ path, pathType, backend }, index) => [
    ...(pathType === 'ImplementationSpecific'
      ? looselyPathErrors(path, `${at}[${index}].path`)
      : pathErrors(path, `${at}[${index}].path`)),
    ...backendErrors(backend, `${at}[${index}].backend`),
  ]);
}

const isAbsolute = (path: string) => path.startsWith('/');

const looselyPathErrors = (path: string | undefined, at: string): FieldError[] =>
  path && !isAbsolute(path) ? [invalidError(at, path, 'must be an absolute path')] : [];

const forbiddenSequences = ['//', '/./', '/../', '%2f', '%2F'];
const forbiddenEndings = ['/..', '/.'];

function pathErrors(path = '', at: string): FieldError[] {
  if (!isAbsolute(path)) return [invalidError(at, path, 'must be an absolute path')];
  const within = forbiddenSequences.filter((text) => path.includes(text));
  const ends = forbiddenEndings.filter((text) => path.endsWith(text));
  return [
    ...within.map((text) => invalidError(at, path, `must not contain '${text}'`)),
    ...ends.map((text) => invalidError(at, path, `cannot end with '${text}'`)),
  ];
}

function backendErrors({ service, resource }: Backend, path: string): FieldError[] {
  if (service && resource) return [invalidError(path, '', 'cannot set both resource and service backends')];
  if (service) return serviceErrors(service, path);
  return resource ? [] : [invalidError(path, '', 'resource or service backend is required')];
}

function serviceErrors({ name, port = {} }: NonNullable<Backend['service']>, path: string): FieldError[] {
  const errors = name
    ? problem(label1035Problem, name, `${path}.service.name`)
    : [requiredError(`${path}.service.name`)];
  if (port.name && port.number) errors.push(invalidError(path, '', 'cannot set both port name & port number'));
  else if (port.name)
    errors.push(...portNameProblems(port.name).map((why) => invalidError(`${path}.service.port.name`, port.name, why)));
  else if (port.number) errors.push(...validatePort(port.number, `${path}.service.port.number`));
  else errors.push(requiredError(path, 'port name or number is required'));
  return errors;
}

export function validateIngressClass({ spec = {} }: IngressClass): FieldError[] {
  const { controller = '', parameters } = spec;
  const errors: FieldError[] = [];
  const [domain, ...rest] = controller.split('/');
  if (controller.length > 250)
    errors.push(invalidError('spec.controller', controller, 'must be no more than 250 characters'));
  if (!controller || rest.length === 0 || rest.some((part) => part === '') || subdomainProblem(domain!))
    errors.push(invalidError('spec.controller', controller, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  if (!parameters) return errors;
  if (!parameters.kind) errors.push(requiredError('spec.parameters.kind'));
  if (!parameters.name) errors.push(requiredError('spec.parameters.name'));
  if (parameters.scope === 'Namespace' && !parameters.namespace)
    errors.push(requiredError('spec.parameters.namespace', "`parameters.scope` is set to 'Namespace'"));
  return errors;
}

export const validateIngressClassUpdate = (before: IngressClass, after: IngressClass): FieldError[] =>
  before.spec?.controller === after.spec?.controller
    ? []
    : [invalidError('spec.controller', after.spec?.controller, immutableMessage)];

export function validateServiceCidr({ spec }: ServiceCIDR): FieldError[] {
  const cidrs = spec?.cidrs ?? [];
  if (cidrs.length === 0) return [requiredError('spec.cidrs', 'at least one CIDR required')];
  if (cidrs.length > 2) return [tooManyError('spec.cidrs', cidrs.length, 2)];
  const errors = cidrs.flatMap((cidr, index) => validateCidr(cidr, `spec.cidrs[${index}]`));
  if (errors.length === 0 && cidrs.length === 2 && isFour(cidrs[0]!) === isFour(cidrs[1]!))
    errors.push(
      invalidError(
        'spec.cidrs',
        cidrs,
        'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96',
      ),
    );
  return errors;
}

const isFour = (cidr: string) => isIPv4(cidr.split('/')[0]!);

/** A range that is in use is not taken away; a second family may be added. */
export function validateServiceCidrUpdate(before: ServiceCIDR, after: ServiceCIDR): FieldError[] {
  const [old, now] = [before.spec?.cidrs ?? [], after.spec?.cidrs ?? []];
  const isKept = old.every((cidr, index) => now[index] === cidr);
  return isKept && (now.length === old.length || old.length === 1)
    ? []
    : [invalidError('spec.cidrs', now, immutableMessage)];
}

export function validateIpAddress({ metadata, spec }: IPAddress): FieldError[] {
  const errors: FieldError[] = [];
  const address = (metadata as KubeInput['metadata'])?.name ?? '';
  if (isIP(address) === 0) errors.push(invalidError('metadata.name', address, ipProblem));
  if (!spec?.parentRef) return [...errors, requiredError('spec.parentRef')];
  const { resource, name, namespace } = spec.parentRef;
  const at = 'spec.parentRef';
  errors.push(
    ...(resource ? problem(pathSegmentProblem, resource, `${at}.resource`) : [requiredError(`${at}.resource`)]),
  );
  errors.push(...(name ? problem(pathSegmentProblem, name, `${at}.name`) : [requiredError(`${at}.name`)]));
  return namespace ? [...errors, ...problem(pathSegmentProblem, namespace, `${at}.namespace`)] : errors;
}

export const validateIpAddressUpdate = (before: IPAddress, after: IPAddress): FieldError[] =>
  isDeepStrictEqual(before.spec?.parentRef, after.spec?.parentRef)
    ? []
    : [invalidError('spec.parentRef', after.spec?.parentRef, immutableMessage)];
