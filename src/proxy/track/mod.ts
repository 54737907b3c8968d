export { factsOf, type NodeView, nodeView, watchNode } from './node-view.ts';
export { Tracker } from './tracker.ts';
