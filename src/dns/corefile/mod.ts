export type { HostPort } from './directive.ts';
export type * from './options.ts';
export type { FileSource } from './parse.ts';
export { type Corefile, readCorefile, type ServerBlock } from './read.ts';
