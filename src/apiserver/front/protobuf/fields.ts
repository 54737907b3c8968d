/** The words in which the tables of messages are written, and the messages that many others hold. */

/**
 * How a field's bytes become JSON. `present`: the field is a pointer in Go, so its zero means something; all others are
 * always sent and a zero stands for nothing.
 */
export interface MessageField {
  readonly name: string;
  readonly type:
    | 'text'
    | 'number'
    | 'flag'
    | 'time'
    | 'int-or-string'
    | 'bytes'
    | 'text-map'
    | 'bytes-map'
    | 'texts-map'
    | 'json'
    | Message;
  readonly repeated?: boolean;
  readonly present?: boolean;
}
export type Message = Readonly<Record<number, MessageField>>;

export const text = (name: string): MessageField => ({ name, type: 'text' });
export const texts = (name: string): MessageField => ({ name, type: 'text', repeated: true });
export const number = (name: string): MessageField => ({ name, type: 'number' });
export const flag = (name: string): MessageField => ({ name, type: 'flag' });
export const time = (name: string): MessageField => ({ name, type: 'time' });
export const intOrString = (name: string): MessageField => ({ name, type: 'int-or-string' });
export const textMap = (name: string): MessageField => ({ name, type: 'text-map' });
export const bytes = (name: string): MessageField => ({ name, type: 'bytes' });
/** Of lists of texts, each in a message of its own. */
export const textsMap = (name: string): MessageField => ({ name, type: 'texts-map' });
export const bytesMap = (name: string): MessageField => ({ name, type: 'bytes-map' });
/** Any JSON, as text in a message of its own. */
const json = (name: string): MessageField => ({ name, type: 'json' });
export const one = (name: string, type: Message): MessageField => ({ name, type });
/** A message whose fields stand in the object around it (Go's embedded structs). */
export const inline = (type: Message): MessageField => ({ name: '', type });
export const many = (name: string, type: Message): MessageField => ({ name, type, repeated: true });
export const present = (field: MessageField): MessageField => ({ ...field, present: true });

const ownerReference: Message = {
  1: text('kind'),
  3: text('name'),
  4: text('uid'),
  5: text('apiVersion'),
  6: present(flag('controller')),
  7: present(flag('blockOwnerDeletion')),
};

const managedFieldsEntry: Message = {
  1: text('manager'),
  2: text('operation'),
  3: text('apiVersion'),
  4: time('time'),
  6: text('fieldsType'),
  7: json('fieldsV1'),
  8: text('subresource'),
};

export const objectMeta: Message = {
  1: text('name'),
  2: text('generateName'),
  3: text('namespace'),
  4: text('selfLink'),
  5: text('uid'),
  6: text('resourceVersion'),
  7: number('generation'),
  8: time('creationTimestamp'),
  9: time('deletionTimestamp'),
  10: present(number('deletionGracePeriodSeconds')),
  11: textMap('labels'),
  12: textMap('annotations'),
  13: many('ownerReferences', ownerReference),
  14: texts('finalizers'),
  17: many('managedFields', managedFieldsEntry),
};

export const labelSelector: Message = {
  1: textMap('matchLabels'),
  2: many('matchExpressions', { 1: text('key'), 2: text('operator'), 3: texts('values') }),
};
