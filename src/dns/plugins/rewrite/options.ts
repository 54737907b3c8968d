/** How a rule looks at a name: all of it, its beginning, its end, any part of it, or by an RE2 expression. */
export type NameMatch = 'exact' | 'prefix' | 'suffix' | 'substring' | 'regex';

/** One rule of rewriting; `last`: no further rule is looked at when it has fitted. */
export type RewriteOptions = { readonly last: boolean } & (
  | {
      readonly field: 'name';
      readonly match: NameMatch;
      readonly from: string;
      readonly to: string;
      readonly answer: {
        /** Names in the answer are turned back to what was asked. */
        readonly auto: boolean;
        /** And then these are applied. */
        readonly rules: readonly AnswerRule[];
      };
    }
  /** The others look at the question's name and change the answer. */
  | {
      readonly field: 'ttl';
      readonly match: NameMatch;
      readonly name: string;
      readonly leastSeconds: number;
      readonly mostSeconds: number;
    }
  | {
      readonly field: 'rcode';
      readonly match: NameMatch;
      readonly name: string;
      readonly from: number;
      readonly to: number;
    }
  /** Looks at where an alias in the answer leads to, and follows it elsewhere. */
  | { readonly field: 'cname'; readonly match: NameMatch; readonly from: string; readonly to: string }
  | { readonly field: 'type' | 'class'; readonly from: number; readonly to: number }
);

export interface AnswerRule {
  /** Owner names, or names that CNAME, SRV and the like lead to. */
  readonly of: 'name' | 'value';
  /** An RE2 expression. */
  readonly from: string;
  readonly to: string;
}
