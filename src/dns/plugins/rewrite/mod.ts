export type { AnswerRule, NameMatch, RewriteOptions } from './options.ts';
export { groupsOf } from './replacer.ts';
export { createRewritePlugin } from './rewrite.ts';
