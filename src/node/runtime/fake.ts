import type { Clock } from '../../base/clock.ts';
import { PodError } from '../errors.ts';
import type {
  ContainerConfig,
  ContainerStatus,
  ExecOptions,
  ExecResult,
  Runtime,
  SandboxConfig,
  SandboxStatus,
} from './port.ts';

/** What a scripted program does; a program that nobody scripted runs until it is killed. */
export interface FakeProgram {
  /** After its start. */
  onStart?(container: FakeContainer): void;
  /** Of SIGTERM; default: it exits at once with 143. */
  onTerminate?(container: FakeContainer): void;
  /** Answers `exec`; default: exit code 0. */
  exec?(command: readonly string[]): ExecResult | Promise<ExecResult>;
  /** Instead of running. */
  readonly startError?: string;
}

export interface FakeContainer {
  readonly podUid: string;
  readonly config: ContainerConfig;
  readonly status: ContainerStatus;
  exit(code: number): void;
}

/** A runtime without processes: programs do what a test says, and `journal` tells what was asked of it. */
export class FakeRuntime implements Runtime {
  readonly name = 'fake';
  readonly version = '1';
  /** `start a/c#0`, `signal a/c#0 SIGTERM`, `stop-sandbox a`, … in order. */
  readonly journal: string[] = [];
  /** By the first word of the command. */
  readonly programs = new Map<string, FakeProgram>();
  /** Made the error of the next `startSandbox`. */
  sandboxError: string | undefined;
  readonly #clock: Clock;
  readonly #sandboxes = new Map<string, SandboxStatus>();
  readonly #configs = new Map<string, ContainerConfig>();
  readonly #listeners: ((podUid: string) => void)[] = [];
  #addresses = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async restore(): Promise<void> {}
  async close(): Promise<void> {
    this.#listeners.length = 0;
  }

  list(): readonly SandboxStatus[] {
    return [...this.#sandboxes.values()];
  }

  get(podUid: string): SandboxStatus | undefined {
    return this.#sandboxes.get(podUid);
  }

  onChange(listener: (podUid: string) => void): void {
    this.#listeners.push(listener);
  }

  /** The running or newest attempt of a container of the Pod of this name. */
  container(podName: string, name: string): FakeContainer {
    const sandbox = this.list().find(({ config }) => config.podName === podName);
    const status = sandbox?.containers.findLast((candidate) => candidate.name === name);
    if (!sandbox || !status) throw new Error(`No container ${podName}/${name} was started`);
    const { podUid } = sandbox.config;
    return {
      podUid,
      status,
      config: this.#configs.get(status.id)!,
      exit: (code) => this.#exit(podUid, status.id, code),
    };
  }

  /** The sandbox dies by itself, and all in it. */
  crashSandbox(podName: string): void {
    const { config } = this.list().find((sandbox) => sandbox.config.podName === podName)!;
    this.#endAll(config.podUid);
    this.#change(config.podUid, (sandbox) => ({ ...sandbox, ready: false }));
    this.#tell(config.podUid);
  }

  async startSandbox(config: SandboxConfig): Promise<SandboxStatus> {
    this.journal.push(`start-sandbox ${config.podName}`);
    const error = this.sandboxError;
    this.sandboxError = undefined;
    if (error !== undefined) throw new PodError(`Start the sandbox of Pod ${config.podName}`, 'sandbox', error);
    const before = this.#sandboxes.get(config.podUid);
    const sandbox: SandboxStatus = {
      config,
      ready: true,
      ...(config.hostNetwork ? {} : { address: `192.0.2.${this.#addresses++}` }),
      attempt: before ? before.attempt + 1 : 0,
      containers: before?.containers ?? [],
    };
    this.#sandboxes.set(config.podUid, sandbox);
    return sandbox;
  }

  async stopSandbox(podUid: string): Promise<void> {
    const sandbox = this.#sandboxes.get(podUid);
    if (!sandbox?.ready) return;
    this.journal.push(`stop-sandbox ${sandbox.config.podName}`);
    this.#endAll(podUid);
    this.#change(podUid, (current) => ({ ...current, ready: false }));
  }

  async removeSandbox(podUid: string): Promise<void> {
    await this.stopSandbox(podUid);
    const sandbox = this.#sandboxes.get(podUid);
    if (sandbox) this.journal.push(`remove-sandbox ${sandbox.config.podName}`);
    this.#sandboxes.delete(podUid);
  }

  async startContainer(podUid: string, config: ContainerConfig): Promise<ContainerStatus> {
    const operation = `Start container ${config.name}`;
    const sandbox = this.#sandboxes.get(podUid);
    if (!sandbox?.ready) throw new PodError(operation, 'gone', 'its Pod has no live sandbox');
    const program = this.programs.get(config.command[0]!);
    if (program?.startError !== undefined) throw new PodError(operation, 'start', program.startError);
    const id = `${podUid}/${config.name}/${config.attempt}`;
    const { name, attempt, image } = config;
    const status: ContainerStatus = {
      id,
      name,
      attempt,
      sandboxAttempt: sandbox.attempt,
      image,
      startedAtMs: this.#clock.now(),
    };
    this.journal.push(`start ${this.#label(podUid, status)}`);
    this.#configs.set(id, config);
    const isOld = (other: ContainerStatus) => other.name === name && other.attempt < attempt - 1;
    this.#change(podUid, (current) => ({
      ...current,
      containers: [...current.containers.filter((other) => !isOld(other)), status],
    }));
    const exit = (code: number) => this.#exit(podUid, id, code);
    queueMicrotask(() => program?.onStart?.({ podUid, config, status, exit }));
    return status;
  }

  signalContainer(podUid: string, containerId: string, signal: NodeJS.Signals): void {
    const status = this.#find(podUid, containerId);
    if (!status || status.exit) return;
    this.journal.push(`signal ${this.#label(podUid, status)} ${signal}`);
    const config = this.#configs.get(containerId)!;
    const exit = (code: number) => this.#exit(podUid, containerId, code);
    const { onTerminate } = this.programs.get(config.command[0]!) ?? {};
    if (signal === 'SIGKILL') exit(137);
    else if (onTerminate) onTerminate({ podUid, config, status, exit });
    else exit(143);
  }

  async exec(
    podUid: string,
    containerId: string,
    command: readonly string[],
    { timeoutMs, signal }: ExecOptions,
  ): Promise<ExecResult> {
    const status = this.#find(podUid, containerId);
    if (!status || status.exit) throw new PodError(`Run ${command[0]}`, 'gone', 'it does not run');
    const program = this.programs.get(this.#configs.get(containerId)!.command[0]!);
    const killed: ExecResult = { exitCode: undefined, output: '' };
    return new Promise((resolve) => {
      const cancel = this.#clock.schedule(timeoutMs, () => resolve(killed));
      signal?.addEventListener('abort', () => resolve(killed), { once: true });
      void Promise.resolve(program?.exec?.(command) ?? { exitCode: 0, output: '' }).then((result) => {
        cancel();
        resolve(result);
      });
    });
  }

  #find(podUid: string, id: string): ContainerStatus | undefined {
    return this.#sandboxes.get(podUid)?.containers.find((container) => container.id === id);
  }

  #exit(podUid: string, id: string, code: number): void {
    this.#noteExit(podUid, id, code);
    this.#tell(podUid);
  }

  #noteExit(podUid: string, id: string, code: number): void {
    const exit = { code, finishedAtMs: this.#clock.now() };
    this.#change(podUid, (sandbox) => ({
      ...sandbox,
      containers: sandbox.containers.map((other) => (other.id === id && !other.exit ? { ...other, exit } : other)),
    }));
  }

  #endAll(podUid: string): void {
    for (const { id } of this.#sandboxes.get(podUid)?.containers ?? []) this.#noteExit(podUid, id, 137);
  }

  #change(podUid: string, change: (sandbox: SandboxStatus) => SandboxStatus): void {
    const sandbox = this.#sandboxes.get(podUid);
    if (sandbox) this.#sandboxes.set(podUid, change(sandbox));
  }

  #tell(podUid: string): void {
    for (const listener of this.#listeners) listener(podUid);
  }

  #label(podUid: string, { name, attempt }: ContainerStatus): string {
    return `${this.#sandboxes.get(podUid)?.config.podName}/${name}#${attempt}`;
  }
}
