export { diff, operationCount, type PortChange, type SlotChange } from './diff.ts';
