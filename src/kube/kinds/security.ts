import { boolean, integer64, list, object, required, string } from '../schema.ts';

const seLinuxOptions = object({ user: string(), role: string(), type: string(), level: string() });
const profile = object({ type: required(string()), localhostProfile: string() });
const windowsOptions = object({
  gmsaCredentialSpecName: string(),
  gmsaCredentialSpec: string(),
  runAsUserName: string(),
  hostProcess: boolean(),
});

/** corev1.PodSecurityContext. */
export const podSecurityContext = object({
  seLinuxOptions,
  windowsOptions,
  runAsUser: integer64(),
  runAsGroup: integer64(),
  runAsNonRoot: boolean(),
  supplementalGroups: list(integer64()),
  supplementalGroupsPolicy: string(),
  fsGroup: integer64(),
  sysctls: list(object({ name: required(string()), value: required(string()) })),
  fsGroupChangePolicy: string(),
  seccompProfile: profile,
  appArmorProfile: profile,
  seLinuxChangePolicy: string(),
});

/** corev1.SecurityContext, of one container. */
export const securityContext = object({
  capabilities: object({ add: list(string()), drop: list(string()) }),
  privileged: boolean(),
  seLinuxOptions,
  windowsOptions,
  runAsUser: integer64(),
  runAsGroup: integer64(),
  runAsNonRoot: boolean(),
  readOnlyRootFilesystem: boolean(),
  allowPrivilegeEscalation: boolean(),
  procMount: string(),
  seccompProfile: profile,
  appArmorProfile: profile,
});
