import { codeOf, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Service } from '../../kube/mod.ts';
import { frontendText, type PortPair, type Problem, portNameText } from '../plan/mod.ts';
import type { EventRecorder } from '../ports.ts';
import { nodeReference } from '../references.ts';

export interface NoticesOptions {
  readonly log: Logger;
  readonly nodeName: string;
  readonly recorder?: EventRecorder;
}

/** Says what goes wrong: to the log, and as Events about the Service or the node that it concerns. */
export class Notices {
  readonly #options: NoticesOptions;
  /** What was said last of a Service, so that each thing is said once, and not once a family. */
  readonly #said = new Map<string, string>();

  constructor(options: NoticesOptions) {
    this.#options = options;
  }

  problems(key: string, service: Service | undefined, problems: readonly Problem[]): void {
    if (problems.length === 0 && !this.#said.has(key)) return;
    const text = problems.map(({ message }) => message).join('\n');
    if (this.#said.get(key) === text) return;
    if (text === '') this.#said.delete(key);
    else this.#said.set(key, text);
    for (const { reason, message } of problems) {
      this.#options.log.warn(message, { service: key });
      if (service) this.#options.recorder?.record(service, 'Warning', reason, message);
    }
  }

  refused({ before, after }: PortPair, service: Service | undefined): void {
    if (!after || after.refused.length === 0 || before?.refused.length === after.refused.length) return;
    const frontends = after.refused.map((frontend) => frontendText(frontend, after.name.protocol));
    const message = 'Another Service has the same frontend';
    this.#options.log.warn(message, { port: portNameText(after.name), frontends });
    if (service) {
      this.#options.recorder?.record(service, 'Warning', 'FrontendConflict', `${message}: ${frontends.join(', ')}`);
    }
  }

  /** `eventful`: worth an Event about the node; the log has every failure. */
  failed(
    message: string,
    error: unknown,
    { eventful = false, ...fields }: { eventful?: boolean; retryMs?: number } = {},
  ): void {
    this.#options.log.warn(message, { code: codeOf(error), error: messageOf(error), ...fields });
    if (eventful) {
      const node = nodeReference(this.#options.nodeName);
      this.#options.recorder?.record(node, 'Warning', 'FailedToSyncRules', `${message}: ${messageOf(error)}`);
    }
  }
}
