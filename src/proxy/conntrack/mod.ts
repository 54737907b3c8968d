export { createConntrackCleaner } from './cleaner.ts';
