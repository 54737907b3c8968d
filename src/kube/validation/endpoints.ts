import { isIPv4, isIPv6 } from 'node:net';
import type { Endpoint, EndpointPort, EndpointSlice, Endpoints } from '../kinds/endpoints.ts';
import { validateIp, validateNonSpecialIp } from './addresses.ts';
import {
  duplicateError,
  type FieldError,
  invalidError,
  notSupportedError,
  requiredError,
  tooManyError,
} from './field-error.ts';
import { immutableMessage, problem } from './metadata.ts';
import { labelKeyProblem, labelProblem, subdomainProblem } from './names.ts';
import { inRange } from './numbers.ts';

/** discovery.k8s.io/v1 promises readers no more than this in one slice. */
const mostEndpoints = 1000;
const mostPorts = 100;
const mostAddresses = 100;

const protocols = ['SCTP', 'TCP', 'UDP'];

export function validateEndpointSlice({ addressType, endpoints, ports = [] }: EndpointSlice): FieldError[] {
  if (endpoints.length > mostEndpoints) return [tooManyError('endpoints', endpoints.length, mostEndpoints)];
  if (ports.length > mostPorts) return [tooManyError('ports', ports.length, mostPorts)];
  return [
    ...endpoints.flatMap((endpoint, index) => endpointErrors(endpoint, addressType, `endpoints[${index}]`)),
    ...slicePortErrors(ports),
  ];
}

export const validateEndpointSliceUpdate = (before: EndpointSlice, after: EndpointSlice): FieldError[] =>
  before.addressType === after.addressType ? [] : [invalidError('addressType', after.addressType, immutableMessage)];

type AddressType = EndpointSlice['addressType'];

function endpointErrors(endpoint: Endpoint, addressType: AddressType, path: string): FieldError[] {
  const { addresses, hostname, nodeName } = endpoint;
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(requiredError(`${path}.addresses`, 'must contain at least 1 address'));
  if (addresses.length > mostAddresses) errors.push(tooManyError(`${path}.addresses`, addresses.length, mostAddresses));
  errors.push(...addresses.flatMap((each, index) => addressErrors(each, addressType, `${path}.addresses[${index}]`)));
  if (hostname) errors.push(...problem(labelProblem, hostname, `${path}.hostname`));
  if (nodeName) errors.push(...problem(subdomainProblem, nodeName, `${path}.nodeName`));
  return errors;
}

function addressErrors(address: string, addressType: AddressType, path: string): FieldError[] {
  if (addressType === 'FQDN') return problem(subdomainProblem, address.replace(/\.$/, ''), path);
  const isOfType = addressType === 'IPv4' ? isIPv4(address) : isIPv6(address);
  if (isOfType) return validateNonSpecialIp(address, path);
  const example = addressType === 'IPv4' ? '10.9.8.7' : '2001:db8::ffff';
  return [invalidError(path, address, `must be a valid ${addressType} address, (e.g. ${example})`)];
}

function slicePortErrors(ports: readonly EndpointPort[]): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap(({ name = '', port, protocol, appProtocol }, index) => {
    const path = `ports[${index}]`;
    const errors = name === '' ? [] : problem(labelProblem, name, `${path}.name`);
    if (names.has(name)) errors.push(duplicateError(`${path}.name`, name));
    names.add(name);
    if (port !== undefined) errors.push(...inRange(port, 1, 65_535, `${path}.port`));
    return [...errors, ...protocolErrors(protocol, appProtocol, path)];
  });
}

function protocolErrors(protocol: string | undefined, appProtocol: string | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!protocol) errors.push(requiredError(`${path}.protocol`));
  else if (!protocols.includes(protocol)) errors.push(notSupportedError(`${path}.protocol`, protocol, protocols));
  if (appProtocol !== undefined) errors.push(...problem(labelKeyProblem, appProtocol, `${path}.appProtocol`));
  return errors;
}

type Subset = NonNullable<Endpoints['subsets']>[number];

export function validateEndpoints({ subsets = [] }: Endpoints): FieldError[] {
  return subsets.flatMap((subset, index) => subsetErrors(subset, `subsets[${index}]`));
}

function subsetErrors({ addresses = [], notReadyAddresses = [], ports = [] }: Subset, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (addresses.length + notReadyAddresses.length === 0) {
    errors.push(requiredError(path, 'must specify `addresses` or `notReadyAddresses`'));
  }
  const lists = [
    ['addresses', addresses],
    ['notReadyAddresses', notReadyAddresses],
  ] as const;
  for (const [name, list] of lists) {
    for (const [index, address] of list.entries()) {
      errors.push(...subsetAddressErrors(address, `${path}.${name}[${index}]`));
    }
  }
  for (const [index, port] of ports.entries()) {
    const at = `${path}.ports[${index}]`;
    if (port.name) errors.push(...problem(labelProblem, port.name, `${at}.name`));
    else if (ports.length > 1) errors.push(requiredError(`${at}.name`));
    errors.push(...inRange(port.port, 1, 65_535, `${at}.port`), ...protocolErrors(port.protocol, port.appProtocol, at));
  }
  return errors;
}

function subsetAddressErrors({ ip, hostname, nodeName }: NonNullable<Subset['addresses']>[number], path: string) {
  const malformed = validateIp(ip, `${path}.ip`);
  return [
    ...(malformed.length > 0 ? malformed : validateNonSpecialIp(ip, `${path}.ip`)),
    ...(hostname ? problem(labelProblem, hostname, `${path}.hostname`) : []),
    ...(nodeName ? problem(subdomainProblem, nodeName, `${path}.nodeName`) : []),
  ];
}
