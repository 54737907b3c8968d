export { Tracker } from './tracker.ts';
