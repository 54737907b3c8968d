import type { Container, Probe } from '../kinds/pod.ts';
import { type FieldError, forbiddenError, invalidError, requiredError } from './field-error.ts';
import { inRange, notNegative, validatePortOrName } from './numbers.ts';

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & { sleep?: { seconds: number } };

export function validateProbes(container: Container, path: string): FieldError[] {
  return [
    ...probeErrors(container.livenessProbe, `${path}.livenessProbe`, true),
    ...probeErrors(container.readinessProbe, `${path}.readinessProbe`, false),
    ...probeErrors(container.startupProbe, `${path}.startupProbe`, true),
  ];
}

/** A probe whose failure restarts the container (liveness, startup) cannot ask for several successes. */
function probeErrors(probe: Probe | undefined, path: string, restarts: boolean): FieldError[] {
  if (!probe) return [];
  const counts = [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const;
  const errors = [
    ...validateHandler(probe, path),
    ...counts.flatMap((name) => notNegative(probe[name], `${path}.${name}`)),
  ];
  if (restarts && probe.successThreshold !== 1) {
    errors.push(invalidError(`${path}.successThreshold`, probe.successThreshold, 'must be 1'));
  }
  const graceSeconds = probe.terminationGracePeriodSeconds;
  if (graceSeconds !== undefined && !restarts) {
    errors.push(
      invalidError(`${path}.terminationGracePeriodSeconds`, graceSeconds, 'must not be set for readinessProbes'),
    );
  } else if (graceSeconds !== undefined && graceSeconds <= 0) {
    errors.push(invalidError(`${path}.terminationGracePeriodSeconds`, graceSeconds, 'must be greater than 0'));
  }
  return errors;
}

export function validateLifecycle({ lifecycle }: Container, path: string): FieldError[] {
  return (['postStart', 'preStop'] as const).flatMap((hook) => {
    const handler = lifecycle?.[hook];
    return handler ? validateHandler(handler, `${path}.lifecycle.${hook}`) : [];
  });
}

/** Exactly one way to ask. */
function validateHandler(handler: Handler, path: string): FieldError[] {
  const given = (['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const).filter((name) => handler[name]);
  if (given.length === 0) return [requiredError(path, 'must specify a handler type')];
  return given.flatMap((name, index) =>
    index === 0
      ? handlerErrors(handler, `${path}.${name}`)
      : [forbiddenError(`${path}.${name}`, 'may not specify more than 1 handler type')],
  );
}

function handlerErrors({ exec, httpGet, tcpSocket, grpc, sleep }: Handler, path: string): FieldError[] {
  if (exec) return exec.command?.length ? [] : [requiredError(`${path}.command`)];
  if (httpGet) {
    return [
      ...(httpGet.path ? [] : [requiredError(`${path}.path`)]),
      ...validatePortOrName(httpGet.port, `${path}.port`),
      ...(httpGet.httpHeaders ?? []).flatMap(({ name }) => headerNameErrors(name, `${path}.httpHeaders`)),
    ];
  }
  if (tcpSocket) return validatePortOrName(tcpSocket.port, `${path}.port`);
  if (grpc) return inRange(grpc.port, 1, 65_535, `${path}.port`);
  return notNegative(sleep?.seconds, `${path}.seconds`);
}

const headerNameErrors = (name: string, path: string): FieldError[] =>
  /^[-A-Za-z0-9]+$/.test(name)
    ? []
    : [
        invalidError(
          path,
          name,
          "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
        ),
      ];
