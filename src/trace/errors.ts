/**
 * The rules have something that this program cannot evaluate, and the packet's way depends on it. Caught by `trace`, whose
 * outcome then says so.
 */
export class UnevaluableError extends Error {}
