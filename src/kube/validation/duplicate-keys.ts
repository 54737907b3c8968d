/** Paths of the keys that a JSON text gives twice, as upstream's sentences: `duplicate field "spec.type"`. */
export function duplicateKeys(_text: string): string[] {
  return [];
}
