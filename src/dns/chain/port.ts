import type { ExtendedError, Query, Response, Transport, UpstreamAnswer } from '../../wire/dns/mod.ts';

/** One question on its way through the chain. */
export interface Question {
  /** As it came; must not be changed. Its question section is `packet.subarray(12, query.questionEnd)`. */
  readonly packet: Uint8Array;
  readonly query: Query;
  readonly transport: Transport;
  /** Whom the answer goes to. Behind a Service this is the Pod itself: nodes do not masquerade what their Pods send. */
  readonly client: { readonly address: string; readonly port: number };
  /** How many questions of our own led from the client's to this one. */
  readonly depth?: number;
}

/**
 * What is known when the chain has been passed, not yet cut to what the client takes: bytes that were made ready from our
 * own data, or the message of another resolver (also one that was kept). The rim encodes it for the client's packet.
 * `from` is the plugin that it is counted for; `error` is what we have to say about another resolver's answer.
 */
export type Answer =
  | { readonly kind: 'ready'; readonly response: Response; readonly from?: string }
  | {
      readonly kind: 'relayed';
      readonly upstream: UpstreamAnswer;
      readonly from?: string;
      readonly error?: ExtendedError;
    };

/** Answers at once where nothing has to be waited for: a promise costs as much as the rest of an answer. */
export type Handler = (question: Question) => Answer | Promise<Answer>;

/**
 * One step of the chain, put together when the server starts or reloads and not for each question: makes, of the handler
 * that comes after it, the one that includes it. It answers itself, passes on, or changes what passes.
 */
export type Plugin = (next: Handler) => Handler;
