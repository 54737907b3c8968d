export { again, codeOnly, compose, nobodyAnswers, otherClass } from './compose.ts';
export { cameOverTcp, innerQuestion, messageOf, ownQuestion, rcodeOf, renamedQuestion } from './inner.ts';
export { errorOf, originOf } from './notes.ts';
export type { Answer, Handler, Plugin, Question } from './port.ts';
export { type Records, recordsOf, restate } from './restate.ts';
