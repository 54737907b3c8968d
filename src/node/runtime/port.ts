import type { DnsConfig } from '../../kube/mod.ts';

/**
 * What runs containers: here `process` (programs of the host's own file system), later a container engine. The shape
 * follows the Container Runtime Interface (k8s.io/cri-api): a sandbox per Pod, and in it containers, each start of
 * which is an attempt of its own. Everything the runtime says survives the agent: a new agent asks `list` and goes on.
 */
export interface Runtime {
  readonly name: string;
  readonly version: string;
  /** Reads what earlier agents left, running or not; to be awaited before anything else is asked. */
  restore(): Promise<void>;
  list(): readonly SandboxStatus[];
  get(podUid: string): SandboxStatus | undefined;
  /** Makes the Pod's sandbox and its network; one that is dead is replaced. Throws PodError `sandbox`. */
  startSandbox(config: SandboxConfig): Promise<SandboxStatus>;
  /** Kills all that runs in the sandbox and gives its network back; records and logs stay. Idempotent. */
  stopSandbox(podUid: string): Promise<void>;
  /** After `stopSandbox`: forgets the Pod and deletes its logs. Idempotent. */
  removeSandbox(podUid: string): Promise<void>;
  /** Throws PodError `start` when the program cannot be run, `gone` without a live sandbox. */
  startContainer(podUid: string, config: ContainerConfig): Promise<ContainerStatus>;
  /** SIGTERM and the like go to the container's first process, SIGKILL ends every process of it. Idempotent. */
  signalContainer(podUid: string, containerId: string, signal: NodeJS.Signals): void;
  /**
   * Runs a command beside the container's processes, with its environment; killed after `timeoutMs` or on abort.
   * Throws PodError `gone` when the container does not run.
   */
  exec(podUid: string, containerId: string, command: readonly string[], options: ExecOptions): Promise<ExecResult>;
  /** Called after something changed by itself: a container exited, a sandbox died. */
  onChange(listener: (podUid: string) => void): void;
  /** Stops looking; everything goes on running. */
  close(): Promise<void>;
}

export interface SandboxConfig {
  readonly podUid: string;
  readonly podNamespace: string;
  readonly podName: string;
  /** Of the UTS namespace. */
  readonly hostname: string;
  /** Uses the agent's own network namespace. */
  readonly hostNetwork: boolean;
  readonly dns: DnsConfig;
  /** Lines of /etc/hosts besides the Pod's own and localhost. */
  readonly hostAliases: readonly { readonly ip: string; readonly hostnames: readonly string[] }[];
  /** `NAME.SUBDOMAIN.NAMESPACE.svc.DOMAIN`, where the Pod has such a name. */
  readonly fullyQualifiedName?: string;
  /** How long its processes have got to end when the Pod is found to be gone from the API. */
  readonly terminationGracePeriodSeconds: number;
}

export interface SandboxStatus {
  readonly config: SandboxConfig;
  /** Runs, with its network: containers can be started in it. */
  readonly ready: boolean;
  /** The Pod's address; the node's own for a hostNetwork Pod is not given here. */
  readonly address?: string;
  /** 0 for the Pod's first sandbox, one more for each that replaced it. */
  readonly attempt: number;
  /** Of each container the newest attempt and the one before it, in the order of their start. */
  readonly containers: readonly ContainerStatus[];
}

export interface ContainerConfig {
  readonly name: string;
  /** 0 for the first start; status.restartCount in the API. */
  readonly attempt: number;
  /** As the Pod has it. */
  readonly image: string;
  /** Program and arguments, expanded; at least one. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Default `/`. */
  readonly workingDir?: string;
  readonly mounts?: readonly Mount[];
}

/** A folder or file of the machine that a container sees in another place. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface ContainerStatus {
  /** `RUNTIME://…` of the API's containerID is made of it. */
  readonly id: string;
  readonly name: string;
  readonly attempt: number;
  /** Of the sandbox that it was started in. */
  readonly sandboxAttempt: number;
  readonly image: string;
  readonly startedAtMs: number;
  /** Absent: it runs. */
  readonly exit?: ContainerExit;
}

export interface ContainerExit {
  /** 128 + n after signal n, as a shell has it. */
  readonly code: number;
  readonly finishedAtMs: number;
}

export interface ExecOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface ExecResult {
  /** Undefined when it was killed for its time. */
  readonly exitCode: number | undefined;
  /** Both streams, the first 10 KiB. */
  readonly output: string;
}
