/** Somebody who has proven who they are, or nobody (`system:anonymous`). */
export interface User {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** As whom a request wants to be taken (the Impersonate-* headers). */
export interface Impersonation {
  /** '' when the headers name none, which is refused. */
  readonly user: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/**
 * One HTTP request and its answer, without a transport: the API server answers it, the client asks it, and whether
 * HTTP/1.1, HTTP/2 or a plain function call carries it is somebody else's matter.
 */
export interface ApiRequest {
  readonly method: string;
  /** Path and query, percent-encoded: `/api/v1/pods?watch=1`. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Aborted when the other side goes away or no longer wants the answer. */
  readonly signal: AbortSignal;
  /** Who asks, as the transport has authenticated them. */
  readonly user?: User;
  readonly impersonate?: Impersonation;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A whole answer, or the pieces of one that goes on (a watch): each piece is flushed when it is yielded. */
  readonly body: string | AsyncIterable<string>;
}

/** Answers a request; rejects only when no answer can be had (connection lost, server gone). */
export type Exchange = (request: ApiRequest) => Promise<ApiResponse>;
