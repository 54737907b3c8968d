import type { Container, PodSpec } from '../kinds/pod.ts';
import { compareQuantities, formatQuantity } from '../quantity.ts';
import {
  duplicateError,
  type FieldError,
  forbiddenError,
  invalidError,
  keyPath,
  notFoundError,
  notSupportedError,
  requiredError,
} from './field-error.ts';
import { problem } from './metadata.ts';
import { labelProblem } from './names.ts';
import { inRange, portNameProblems } from './numbers.ts';
import { validateLifecycle, validateProbes } from './probe.ts';

/** All containers of a Pod or template; `path` is the path of its spec. */
export function validateContainers(spec: PodSpec, path: string): FieldError[] {
  const names = new Set<string>();
  const main = spec.containers.flatMap((container, index) =>
    containerErrors(container, spec, names, `${path}.containers[${index}]`),
  );
  const initial = (spec.initContainers ?? []).flatMap((container, index) => {
    const at = `${path}.initContainers[${index}]`;
    return [...containerErrors(container, spec, names, at), ...initContainerErrors(container, at)];
  });
  const missing = spec.containers.length === 0 ? [requiredError(`${path}.containers`)] : [];
  return [...missing, ...main, ...hostPortErrors(spec, path), ...initial];
}

function containerErrors(container: Container, spec: PodSpec, names: Set<string>, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (container.name === '') errors.push(requiredError(`${path}.name`));
  else errors.push(...problem(labelProblem, container.name, `${path}.name`));
  if (names.has(container.name)) errors.push(duplicateError(`${path}.name`, container.name));
  names.add(container.name);
  return [
    ...errors,
    ...imageErrors(container.image, `${path}.image`),
    ...portErrors(container, spec.hostNetwork === true, path),
    ...envErrors(container, path),
    ...mountErrors(container, spec, path),
    ...resourceErrors(container, `${path}.resources`),
    ...validateProbes(container, path),
    ...validateLifecycle(container, path),
  ];
}

function imageErrors(image: string | undefined, path: string): FieldError[] {
  if (!image) return [requiredError(path)];
  return image === image.trim() ? [] : [invalidError(path, image, 'must not have leading or trailing whitespace')];
}

/** Init containers end before anything could ask them; those that go on running (sidecars) are like the others. */
function initContainerErrors(container: Container, path: string): FieldError[] {
  if (container.restartPolicy === 'Always') return [];
  const errors = container.restartPolicy
    ? [notSupportedError(`${path}.restartPolicy`, container.restartPolicy, ['Always'])]
    : [];
  const barred = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const;
  const detail = 'may not be set for init containers without restartPolicy=Always';
  const found = barred.filter((name) => container[name]).map((name) => forbiddenError(`${path}.${name}`, detail));
  return [...errors, ...found];
}

function portErrors({ ports = [] }: Container, hostNetwork: boolean, path: string): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap(({ name, containerPort, hostPort }, index) => {
    const at = `${path}.ports[${index}]`;
    const errors: FieldError[] = [];
    if (name) {
      const problems = portNameProblems(name);
      errors.push(...problems.map((detail) => invalidError(`${at}.name`, name, detail)));
      if (problems.length === 0 && names.has(name)) errors.push(duplicateError(`${at}.name`, name));
      names.add(name);
    }
    if (containerPort === 0) errors.push(requiredError(`${at}.containerPort`));
    else errors.push(...inRange(containerPort, 1, 65_535, `${at}.containerPort`));
    if (hostPort) errors.push(...inRange(hostPort, 1, 65_535, `${at}.hostPort`));
    if (hostNetwork && hostPort !== containerPort) {
      errors.push(
        invalidError(`${at}.containerPort`, containerPort, 'must match `hostPort` when `hostNetwork` is true'),
      );
    }
    return errors;
  });
}

/** Two containers of one Pod cannot have the same port of the node. */
function hostPortErrors(spec: PodSpec, path: string): FieldError[] {
  const taken = new Set<string>();
  return spec.containers.flatMap(({ ports = [] }, container) =>
    ports.flatMap(({ hostPort, hostIP = '', protocol }, port) => {
      if (!hostPort) return [];
      const binding = `${protocol}/${hostIP}/${hostPort}`;
      const isTaken = taken.has(binding);
      taken.add(binding);
      return isTaken ? [duplicateError(`${path}.containers[${container}].ports[${port}].hostPort`, binding)] : [];
    }),
  );
}

function envErrors({ env = [] }: Container, path: string): FieldError[] {
  return env.flatMap(({ name, value, valueFrom }, index) => {
    const at = `${path}.env[${index}]`;
    const errors: FieldError[] = [];
    if (name === '') errors.push(requiredError(`${at}.name`));
    else if (!/^[ -<>-~]+$/.test(name)) {
      const detail = "a valid environment variable name must consist only of printable ASCII characters other than '='";
      errors.push(invalidError(`${at}.name`, name, detail));
    }
    if (!valueFrom) return errors;
    const sources = Object.keys(valueFrom).length;
    if (value) errors.push(invalidError(`${at}.valueFrom`, '', 'may not be specified when `value` is not empty'));
    else if (sources !== 1) {
      const detail =
        sources === 0
          ? 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'
          : 'may not have more than one field specified at a time';
      errors.push(invalidError(`${at}.valueFrom`, '', detail));
    }
    return errors;
  });
}

function mountErrors({ volumeMounts = [] }: Container, { volumes = [] }: PodSpec, path: string): FieldError[] {
  const mounted = new Set<string>();
  return volumeMounts.flatMap(({ name, mountPath }, index) => {
    const at = `${path}.volumeMounts[${index}]`;
    const errors: FieldError[] = [];
    if (name === '') errors.push(requiredError(`${at}.name`));
    else if (!volumes.some((volume) => volume.name === name)) errors.push(notFoundError(`${at}.name`, name));
    if (mountPath === '') errors.push(requiredError(`${at}.mountPath`));
    if (mounted.has(mountPath)) errors.push(invalidError(`${at}.mountPath`, mountPath, 'must be unique'));
    mounted.add(mountPath);
    return errors;
  });
}

function resourceErrors({ resources }: Container, path: string): FieldError[] {
  const limits = resources?.limits ?? {};
  const kinds = ['limits', 'requests'] as const;
  const negative = kinds.flatMap((kind) =>
    Object.entries(resources?.[kind] ?? {})
      .filter(([, amount]) => compareQuantities(amount, '0') < 0)
      .map(([name, amount]) =>
        invalidError(keyPath(`${path}.${kind}`, name), String(amount), 'must be greater than or equal to 0'),
      ),
  );
  const excessive = Object.entries(resources?.requests ?? {}).flatMap(([name, amount]) => {
    const limit = limits[name];
    if (limit === undefined || compareQuantities(amount, limit) <= 0) return [];
    const detail = `must be less than or equal to ${name} limit of ${formatQuantity(limit)}`;
    return [invalidError(`${path}.requests`, formatQuantity(amount), detail)];
  });
  return [...negative, ...excessive];
}
