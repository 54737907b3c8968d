import { isDeepStrictEqual } from 'node:util';
import { type FieldError, invalid, Service, type ServiceSpec } from '../../kube/mod.ts';
import { type AddressRange, familyOf, type IpFamily } from '../allocation/address-range.ts';
import { refuse } from '../status-error.ts';

/**
 * Which families a Service has, where its writer left that open, as upstream's registry settles it
 * (pkg/registry/core/service/storage/alloc.go, initIPFamilyFields). A Service that prefers two does not change with the
 * cluster: only a writer who changes its fields makes it gain or lose one.
 */
export function settleFamilies(
  service: Service,
  before: ServiceSpec | undefined,
  ranges: readonly AddressRange[],
): void {
  const { spec } = service;
  if (spec.type === 'ExternalName' || isUntouchedPreference(spec, before)) return;
  spec.ipFamilyPolicy ??= before?.ipFamilyPolicy ?? (needsNoPods(spec) ? 'RequireDualStack' : 'SingleStack');
  const errors = before ? releaseSecond(spec, before) : [];
  errors.push(...policyErrors(spec), ...inferFamilies(spec, ranges));
  if (errors.length === 0 && !needsNoPods(spec)) errors.push(...clusterErrors(spec, ranges));
  if (errors.length > 0) refuse(invalid(Service, service.metadata.name, errors));
  fillFamilies(spec, ranges);
}

/** Headless and without a selector: its endpoints are somebody's own affair, and of any family. */
const needsNoPods = (spec: ServiceSpec): boolean =>
  spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;

const isUntouchedPreference = (spec: ServiceSpec, before: ServiceSpec | undefined): boolean =>
  before !== undefined &&
  before.type === spec.type &&
  before.ipFamilyPolicy === 'PreferDualStack' &&
  spec.ipFamilyPolicy === 'PreferDualStack' &&
  (before.ipFamilies ?? []).length > 0 &&
  isDeepStrictEqual(before.clusterIPs, spec.clusterIPs) &&
  isDeepStrictEqual(before.ipFamilies, spec.ipFamilies);

/** To become SingleStack is to give the second one up; to leave it out is not enough. */
function releaseSecond(spec: ServiceSpec, before: ServiceSpec): FieldError[] {
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (isDeepStrictEqual(spec.clusterIPs, before.clusterIPs)) spec.clusterIPs = spec.clusterIPs?.slice(0, 1);
    if (isDeepStrictEqual(spec.ipFamilies, before.ipFamilies)) spec.ipFamilies = spec.ipFamilies?.slice(0, 1);
    return [];
  }
  const isLess = (now: readonly string[] = [], then: readonly string[] = []) =>
    now.length > 0 && now.length < then.length;
  const errors: FieldError[] = [];
  const release = (what: string) =>
    errors.push(
      wrong('spec.ipFamilyPolicy', spec.ipFamilyPolicy, `must be 'SingleStack' to release the secondary ${what}`),
    );
  if (isLess(spec.clusterIPs, before.clusterIPs)) release('cluster IP');
  if (isLess(spec.ipFamilies, before.ipFamilies)) release('IP family');
  return errors;
}

function policyErrors(spec: ServiceSpec): FieldError[] {
  if (spec.ipFamilyPolicy !== 'SingleStack') return [];
  const several = (what: string) =>
    wrong(
      'spec.ipFamilyPolicy',
      spec.ipFamilyPolicy,
      `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
    );
  return [
    ...(spec.clusterIPs?.length === 2 ? [several('cluster IPs')] : []),
    ...(spec.ipFamilies?.length === 2 ? [several('IP families')] : []),
  ];
}

/** Addresses that were given say of which family they are. */
function inferFamilies(spec: ServiceSpec, ranges: readonly AddressRange[]): FieldError[] {
  const errors: FieldError[] = [];
  const families = [...(spec.ipFamilies ?? [])];
  for (const [index, address] of (spec.clusterIPs ?? []).entries()) {
    if (address === 'None') break;
    if (index < families.length) continue;
    const family = familyOf(address);
    if (has(ranges, family)) families.push(family);
    else
      errors.push(wrong(`spec.clusterIPs[${index}]`, spec.clusterIPs, `${family} is not configured on this cluster`));
  }
  spec.ipFamilies = families;
  return errors;
}

function clusterErrors(spec: ServiceSpec, ranges: readonly AddressRange[]): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.ipFamilyPolicy === 'RequireDualStack' && ranges.length < 2) {
    const why = 'this cluster is not configured for dual-stack services';
    errors.push(wrong('spec.ipFamilyPolicy', spec.ipFamilyPolicy, why));
  }
  spec.ipFamilies?.forEach((family, index) => {
    if (!has(ranges, family)) errors.push(wrong(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'));
  });
  return errors;
}

function fillFamilies(spec: ServiceSpec, ranges: readonly AddressRange[]): void {
  const first = spec.ipFamilies?.[0] ?? ranges[0]!.family;
  const wantsTwo = spec.ipFamilyPolicy !== 'SingleStack' && (ranges.length === 2 || needsNoPods(spec));
  spec.ipFamilies = wantsTwo ? [first, first === 'IPv4' ? 'IPv6' : 'IPv4'] : [first];
}

const has = (ranges: readonly AddressRange[], family: IpFamily) => ranges.some((range) => range.family === family);

const wrong = (path: string, value: unknown, why: string): FieldError => ({
  path,
  type: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
});
