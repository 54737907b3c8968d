/**
 * What `nft` keeps in a set's user data (enum nftnl_udata_set_types of libnftnl): a comment, and the expressions of
 * which a key is made (`typeof ip daddr . th dport`). Without them it cannot name the type of a number that rules draw, and
 * would not read back what it has listed itself.
 */
export interface SetNotes {
  readonly comment?: string;
  /** The parts of the key; of the data in a map. Both or none. */
  readonly typeof?: { readonly key: readonly TypeofPart[]; readonly data: readonly TypeofPart[] };
}

export type TypeofPart = keyof typeof parts;

const SetNote = { keyTypeof: 3, dataTypeof: 4, comment: 7 } as const;

/** enum expr_types of nft (include/expression.h), which it never renumbers because of this very use. */
const ExpressionType = { payload: 7, meta: 9, concatenation: 13, numberGenerator: 23 } as const;

/** enum proto_desc_id, and the field's place in the protocol's description. */
const payload = (protocol: number, field: number) => ({
  type: ExpressionType.payload,
  fields: [
    [0, protocol],
    [1, field],
  ],
});

const parts = {
  'ip daddr': payload(12, 12),
  'ip6 daddr': payload(13, 9),
  'th dport': payload(11, 2),
  'meta l4proto': { type: ExpressionType.meta, fields: [[0, 16]] },
  // The modulus is there for form's sake: every one has the same type.
  'numgen random mod 2': {
    type: ExpressionType.numberGenerator,
    fields: [
      [0, 1],
      [1, 2],
      [2, 0],
    ],
  },
} as const;

/** Type, length and value with one byte each for the first two: nothing may be longer than 255. */
function entry(type: number, ...content: readonly Buffer[]): Buffer {
  const value = Buffer.concat(content);
  return Buffer.concat([Buffer.from([type, value.length]), value]);
}

/** In the machine's byte order. */
function number(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return entry(type, bytes);
}

export function encodeSetNotes({ comment, typeof: types }: SetNotes): Buffer {
  const notes: Buffer[] = [];
  if (types) notes.push(typeofEntry(SetNote.keyTypeof, types.key), typeofEntry(SetNote.dataTypeof, types.data));
  if (comment !== undefined) notes.push(entry(SetNote.comment, Buffer.from(`${comment}\0`)));
  return Buffer.concat(notes);
}

function typeofEntry(note: number, names: readonly TypeofPart[]): Buffer {
  const members = names.map((name, i) => entry(i, expression(parts[name].type, ...fieldsOf(name))));
  return entry(note, expression(ExpressionType.concatenation, ...members));
}

const expression = (type: number, ...content: readonly Buffer[]): Buffer =>
  Buffer.concat([number(0, type), entry(1, ...content)]);

const fieldsOf = (name: TypeofPart): Buffer[] => parts[name].fields.map(([type, value]) => number(type, value));
