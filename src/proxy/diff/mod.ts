export { diff, operationCount, type PortChange } from './diff.ts';
