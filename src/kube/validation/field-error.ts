/** The reasons that a Status cause may bear (metav1.CauseType of the field errors). */
export type FieldErrorType =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueTypeInvalid'
  | 'FieldValueForbidden'
  | 'FieldValueDuplicate'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueNotFound';

export interface FieldError {
  /** `spec.ports[0].port`, `metadata.labels`, `data[a/b]`. */
  readonly path: string;
  readonly type: FieldErrorType;
  /** Without the path: `Invalid value: 70000: must be between 1 and 65535, inclusive`. */
  readonly message: string;
}

export const requiredError = (path: string, detail = ''): FieldError => ({
  path,
  type: 'FieldValueRequired',
  message: withDetail('Required value', detail),
});

export const invalidError = (path: string, value: unknown, detail: string): FieldError => ({
  path,
  type: 'FieldValueInvalid',
  message: withDetail(`Invalid value: ${valueText(value)}`, detail),
});

export const typeError = (path: string, value: unknown, detail: string): FieldError => ({
  path,
  type: 'FieldValueTypeInvalid',
  message: withDetail(`Invalid value: ${valueText(value)}`, detail),
});

export const notSupportedError = (path: string, value: unknown, supported: readonly string[]): FieldError => ({
  path,
  type: 'FieldValueNotSupported',
  message: `Unsupported value: ${valueText(value)}: supported values: ${[...supported]
    .sort()
    .map((text) => JSON.stringify(text))
    .join(', ')}`,
});

export const forbiddenError = (path: string, detail: string): FieldError => ({
  path,
  type: 'FieldValueForbidden',
  message: withDetail('Forbidden', detail),
});

export const duplicateError = (path: string, value: unknown): FieldError => ({
  path,
  type: 'FieldValueDuplicate',
  message: `Duplicate value: ${valueText(value)}`,
});

export const tooLongError = (path: string, maximumBytes: number): FieldError => ({
  path,
  type: 'FieldValueTooLong',
  message: `Too long: may not be more than ${maximumBytes} bytes`,
});

export const tooManyError = (path: string, found: number, maximum: number): FieldError => ({
  path,
  type: 'FieldValueTooMany',
  message: `Too many: ${found}: must have at most ${maximum} items`,
});

export const notFoundError = (path: string, value: unknown): FieldError => ({
  path,
  type: 'FieldValueNotFound',
  message: `Not found: ${valueText(value)}`,
});

const withDetail = (head: string, detail: string) => (detail === '' ? head : `${head}: ${detail}`);

/** Upstream prints JSON for objects as for scalars, and `null` for what is absent. */
const valueText = (value: unknown): string => JSON.stringify(value) ?? 'null';

/** `spec` + `ports` → `spec.ports`. */
export const childPath = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** `metadata.labels` + `app` → `metadata.labels[app]`. */
export const keyPath = (path: string, key: string): string => `${path}[${key}]`;
