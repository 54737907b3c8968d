export type { AnswerRule, NameMatch, RewriteOptions } from './options.ts';
export { createRewritePlugin } from './rewrite.ts';
