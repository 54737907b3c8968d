/** Sets what is absent. */
export function setDefaults<Type extends object>(target: Type, values: Partial<Type>): void {
  for (const name of Object.keys(values) as (keyof Type)[]) {
    if (target[name] === undefined) target[name] = values[name] as Type[keyof Type];
  }
}
