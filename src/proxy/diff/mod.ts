export { type Aspect, diff, operationCount, type PortChange, type SlotChange } from './diff.ts';
