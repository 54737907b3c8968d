export { runDown } from './down.ts';
export { createProgress } from './progress.ts';
export { runUp } from './up.ts';
