import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Clock, sleep } from '../../../base/clock.ts';
import { messageOf } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import { PodError } from '../../errors.ts';
import { readIfPresent } from '../../files.ts';
import type { PodNetwork } from '../../network/port.ts';
import type {
  ContainerConfig,
  ContainerStatus,
  ExecOptions,
  ExecResult,
  Runtime,
  SandboxConfig,
  SandboxStatus,
} from '../port.ts';
import { etcFiles } from './etc-files.ts';
import { execCommand } from './exec.ts';
import { checkExecutable, defaultPath } from './executable.ts';
import { clusterVariable, launch } from './launch.ts';
import { whenReleased } from './liveness.ts';
import { ensureMountPoint } from './mount-point.ts';
import { type ContainerRecord, PodDirectory, type PodRecord, podDirectories } from './pod-directory.ts';
import { bootId, isAlive, type ProcessIdentity, signalProcess } from './procfs.ts';
import { containerScript, mountScript, sandboxCommand } from './scripts.ts';
import { findTools, type Tools } from './tools.ts';

export interface ProcessRuntimeOptions {
  /** Holds `pods/`; absolute. */
  readonly stateDir: string;
  readonly network: PodNetwork;
  readonly clock: Clock;
  readonly log: Logger;
  /** Every process bears it in SIGNALBOX_CLUSTER. */
  readonly clusterId: string;
  /** Version of the runtime, which is ours. */
  readonly version: string;
}

/**
 * Containers as processes of the host's own file system, in namespaces of the Pod's. No process of the agent's is their
 * parent: it may die and come back at any time.
 */
export const createProcessRuntime = (options: ProcessRuntimeOptions): Runtime => new ProcessRuntime(options);

/** A Pod as this agent holds it: what stands on disk, and who is being listened for. */
interface Pod {
  readonly directory: PodDirectory;
  record: PodRecord;
  /** The sandbox's first process as long as it lives. */
  pause?: ProcessIdentity;
  /** By container id; one that has exited has none. */
  readonly listening: Map<string, () => void>;
  stopListening?: () => void;
}

class ProcessRuntime implements Runtime {
  readonly name = 'process';
  readonly version: string;
  readonly #options: ProcessRuntimeOptions;
  readonly #tools: Tools;
  readonly #bootId = bootId();
  readonly #pods = new Map<string, Pod>();
  readonly #listeners: ((podUid: string) => void)[] = [];

  constructor(options: ProcessRuntimeOptions) {
    this.#options = options;
    this.version = options.version;
    this.#tools = findTools(defaultPath);
  }

  async restore(): Promise<void> {
    for (const directory of podDirectories(this.#options.stateDir)) {
      const record = directory.read();
      if (record) this.#restorePod(directory, record);
      else directory.remove();
    }
  }

  list(): readonly SandboxStatus[] {
    return [...this.#pods.values()].map(statusOf);
  }

  get(podUid: string): SandboxStatus | undefined {
    const pod = this.#pods.get(podUid);
    return pod && statusOf(pod);
  }

  onChange(listener: (podUid: string) => void): void {
    this.#listeners.push(listener);
  }

  async startSandbox(config: SandboxConfig): Promise<SandboxStatus> {
    const { network, stateDir } = this.#options;
    await this.stopSandbox(config.podUid);
    const before = this.#pods.get(config.podUid)?.record;
    const address = config.hostNetwork ? undefined : network.reserve(config.podUid);
    const pod: Pod = {
      directory: PodDirectory.of(stateDir, config),
      listening: new Map(),
      record: {
        version: 1,
        bootId: this.#bootId,
        config,
        attempt: before ? before.attempt + 1 : 0,
        ...(address === undefined ? {} : { address }),
        stopped: false,
        containers: before?.containers ?? [],
      },
    };
    this.#pods.set(config.podUid, pod);
    try {
      await this.#launchSandbox(pod);
    } catch (error) {
      await this.stopSandbox(config.podUid);
      const { address: _released, ...record } = pod.record;
      pod.record = record;
      throw new PodError(`Start the sandbox of Pod ${nameOf(config)}`, 'sandbox', messageOf(error), error);
    }
    return statusOf(pod);
  }

  async stopSandbox(podUid: string): Promise<void> {
    const pod = this.#pods.get(podUid);
    if (!pod) return;
    if (!pod.record.stopped) this.#write(pod, { stopped: true });
    const { pause } = pod;
    if (pause) {
      pod.stopListening?.();
      await killAndWait(this.#options.clock, pause);
      pod.pause = undefined;
    }
    for (const container of pod.record.containers) if (!container.exit) this.#noteExit(pod, container);
    if (!pod.record.config.hostNetwork) this.#options.network.detach(podUid);
  }

  async removeSandbox(podUid: string): Promise<void> {
    const pod = this.#pods.get(podUid);
    if (!pod) return;
    await this.stopSandbox(podUid);
    pod.directory.remove();
    this.#pods.delete(podUid);
  }

  async startContainer(podUid: string, config: ContainerConfig): Promise<ContainerStatus> {
    const pod = this.#pods.get(podUid);
    const operation = `Start container ${config.name}`;
    if (!pod?.pause) throw new PodError(operation, 'gone', 'its Pod has no live sandbox');
    const workingDir = config.workingDir ?? '/';
    checkExecutable(operation, config.command[0] ?? '', config.environment.PATH ?? defaultPath, workingDir);
    const container: ContainerRecord = {
      id: `${podUid}/${config.name}/${config.attempt}`,
      config,
      sandboxAttempt: pod.record.attempt,
      startedAtMs: this.#options.clock.now(),
    };
    this.#makeRoom(pod, config);
    this.#write(pod, { containers: [...pod.record.containers, container] });
    try {
      await this.#launchContainer(pod, pod.pause, config, workingDir);
    } catch (error) {
      const init = pod.directory.container(config).init;
      if (init) signalProcess(init, 'SIGKILL');
      this.#write(pod, { containers: pod.record.containers.filter(({ id }) => id !== container.id) });
      throw new PodError(operation, 'start', messageOf(error), error);
    }
    this.#listen(pod, container);
    return containerStatus(container);
  }

  signalContainer(podUid: string, containerId: string, signal: NodeJS.Signals): void {
    const pod = this.#pods.get(podUid);
    const container = pod?.record.containers.find(({ id }) => id === containerId);
    if (!pod || !container || container.exit) return;
    const { main, init } = pod.directory.container(container.config);
    if (main && signalProcess(main, signal)) return;
    // The program has ended, or never came to be: what is left goes with the container's init.
    if (signal === 'SIGKILL' && init) signalProcess(init, signal);
  }

  async exec(
    podUid: string,
    containerId: string,
    command: readonly string[],
    options: ExecOptions,
  ): Promise<ExecResult> {
    const pod = this.#pods.get(podUid);
    const container = pod?.record.containers.find(({ id }) => id === containerId);
    const init = container && !container.exit ? pod?.directory.container(container.config).init : undefined;
    if (!container || !init || !isAlive(init)) {
      throw new PodError(`Run ${JSON.stringify(command[0])} in container ${containerId}`, 'gone', 'it does not run');
    }
    const { environment, workingDir } = container.config;
    const enter = [this.#tools.env, `--chdir=${workingDir ?? '/'}`, ...command];
    return execCommand(this.#options.clock, [...this.#enter(init), ...enter], this.#environment(environment), options);
  }

  async close(): Promise<void> {
    for (const pod of this.#pods.values()) {
      pod.stopListening?.();
      for (const stop of pod.listening.values()) stop();
    }
    this.#listeners.length = 0;
  }

  async #launchSandbox(pod: Pod): Promise<void> {
    const { directory, record } = pod;
    const { config, address } = record;
    mkdirSync(directory.path, { recursive: true, mode: 0o700 });
    const files = etcFiles(config, address, readIfPresent('/etc/nsswitch.conf'));
    directory.prepareSandbox(files);
    directory.write(record);
    await launch({
      command: sandboxCommand(this.#tools, directory.path, config, Object.keys(files)),
      environment: this.#environment({ PATH: defaultPath }),
      expect: 'ready',
    });
    this.#watchSandbox(pod);
    if (!pod.pause) throw new Error('its first process ended at once');
    if (!config.hostNetwork) this.#options.network.attach(config.podUid, `/proc/${pod.pause.pid}/ns/net`);
  }

  async #launchContainer(pod: Pod, pause: ProcessIdentity, config: ContainerConfig, workingDir: string): Promise<void> {
    const { unshare, sh } = this.#tools;
    const directory = pod.directory.container(config);
    directory.remove();
    mkdirSync(directory.path, { recursive: true, mode: 0o700 });
    this.#prepareMounts(directory.path, config);
    const { plain, awkward } = splitEnvironment(config.environment);
    // A background job of sh ignores two signals. A session of its own, so that nothing which the program does to its
    // process group concerns its init.
    const reset = [this.#tools.env, '--default-signal=INT,QUIT', ...awkward, this.#tools.setsid];
    const program = [...reset, ...config.command];
    const script = ['-c', containerScript(this.#tools), 'sh', directory.path, directory.log, workingDir, ...program];
    const own = [unshare, '--pid', '--mount', '--propagation', 'private', sh, ...script];
    await launch({
      command: [...this.#enter(pause), ...own],
      environment: this.#environment(plain),
      expect: 'started',
    });
  }

  /** The Pod shares the machine's file system, so what is mounted over must be there. */
  #prepareMounts(folder: string, { mounts = [] }: ContainerConfig): void {
    if (mounts.length === 0) return;
    for (const { target } of mounts) ensureMountPoint(target);
    writeFileSync(path.join(folder, 'mounts'), mountScript(this.#tools, mounts), { mode: 0o600 });
  }

  #enter({ pid }: ProcessIdentity): string[] {
    const target = ['--target', String(pid)];
    return [this.#tools.nsenter, ...target, '--net', '--uts', '--ipc', '--mount', '--pid', '--'];
  }

  #environment(environment: Readonly<Record<string, string>>): Record<string, string> {
    return { ...environment, [clusterVariable]: this.#options.clusterId };
  }

  #restorePod(directory: PodDirectory, record: PodRecord): void {
    const pod: Pod = { directory, record, listening: new Map() };
    this.#pods.set(record.config.podUid, pod);
    const sameBoot = record.bootId === this.#bootId;
    if (sameBoot) this.#watchSandbox(pod);
    for (const container of record.containers) {
      if (container.exit) continue;
      const { init } = directory.container(container.config);
      if (sameBoot && init && isAlive(init)) this.#listen(pod, container);
      else this.#noteExit(pod, container);
    }
  }

  #watchSandbox(pod: Pod): void {
    const { pause } = pod.directory;
    if (!pause || !isAlive(pause)) return;
    pod.pause = pause;
    pod.stopListening = whenReleased(pod.directory.aliveFifo, () => {
      pod.pause = undefined;
      this.#changed(pod);
    });
  }

  #listen(pod: Pod, { id, config }: ContainerRecord): void {
    const stop = whenReleased(pod.directory.container(config).aliveFifo, () => {
      const container = pod.record.containers.find((other) => other.id === id);
      if (!container || container.exit) return;
      this.#noteExit(pod, container);
      this.#changed(pod);
    });
    pod.listening.set(id, stop);
  }

  /** Takes over the exit code that the container's init has left; without one it was killed together with its init. */
  #noteExit(pod: Pod, container: ContainerRecord): void {
    pod.listening.get(container.id)?.();
    pod.listening.delete(container.id);
    const directory = pod.directory.container(container.config);
    const exit = directory.exit ?? { code: 137, finishedAtMs: this.#options.clock.now() };
    const containers = pod.record.containers.map((other) => (other.id === container.id ? { ...other, exit } : other));
    this.#write(pod, { containers });
    directory.remove();
  }

  /** Before an attempt starts, only the one before it is kept. */
  #makeRoom(pod: Pod, { name, attempt }: ContainerConfig): void {
    const isOld = ({ config }: ContainerRecord) => config.name === name && config.attempt < attempt - 1;
    for (const { config } of pod.record.containers.filter(isOld)) pod.directory.container(config).removeLogs();
    const containers = pod.record.containers.filter(
      (container) => !isOld(container) && !(container.config.name === name && container.config.attempt === attempt),
    );
    this.#write(pod, { containers });
  }

  #write(pod: Pod, change: Partial<PodRecord>): void {
    pod.record = { ...pod.record, ...change };
    pod.directory.write(pod.record);
  }

  #changed(pod: Pod): void {
    for (const listener of this.#listeners) listener(pod.record.config.podUid);
  }
}

const nameOf = ({ podNamespace, podName }: SandboxConfig) => `${podNamespace}/${podName}`;

const statusOf = ({ record, pause }: Pod): SandboxStatus => ({
  config: record.config,
  ready: !record.stopped && pause !== undefined,
  ...(record.address === undefined ? {} : { address: record.address }),
  attempt: record.attempt,
  containers: record.containers.map(containerStatus),
});

const containerStatus = ({ id, config, sandboxAttempt, startedAtMs, exit }: ContainerRecord): ContainerStatus => ({
  id,
  name: config.name,
  attempt: config.attempt,
  sandboxAttempt,
  image: config.image,
  startedAtMs,
  ...(exit ? { exit } : {}),
});

/** sh passes on only variables that it could have itself; others (`my.key`) are set after it, by env(1). */
function splitEnvironment(environment: Readonly<Record<string, string>>) {
  const plain: Record<string, string> = {};
  const awkward: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) plain[name] = value;
    else awkward.push(`${name}=${value}`);
  }
  return { plain, awkward };
}

/** PID 1 of a namespace is gone only after all others in it: the kernel sees to that (pid_namespaces(7)). */
async function killAndWait(clock: Clock, target: ProcessIdentity): Promise<void> {
  signalProcess(target, 'SIGKILL');
  for (let waitMs = 1; isAlive(target); waitMs = Math.min(waitMs * 2, 50)) await sleep(clock, waitMs);
}
