export { renderReport } from './render.ts';
export type { Report } from './report.ts';
export { explainLookup, type WhyOptions } from './why.ts';
