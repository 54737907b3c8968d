/** What a certificate signing request asks for. */
export interface RequestFacts {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly names: readonly { readonly type: string; readonly value: string }[];
}

/** The certificate authority, as the controllers use it. */
export interface RequestSigner {
  /** Rejects for what is no request, or not signed with its own key. */
  read(requestPem: string): Promise<RequestFacts>;
  sign(requestPem: string, options: { readonly usages: readonly string[]; readonly seconds: number }): Promise<string>;
}
