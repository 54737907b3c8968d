export { type Answer, type AnswerError, decodeAnswer } from './answer.ts';
export { type Attribute, Attributes, decodeAttributeList, decodeAttributes } from './attributes.ts';
export { MessageBatch } from './batch.ts';
export { MessageFlag, MessageType, messageHeaderLength } from './constants.ts';
export { errnoName, errnoNumber } from './errno.ts';
export { MalformedError } from './errors.ts';
export { decodeMessages, encodeMessage, type NetlinkMessage, visitHeaders } from './message.ts';
export { AttributeWriter } from './writer.ts';
