/** Copying, merging and printing recurse; nothing real is nested so deep. */
export const deepest = 500;

/** No recursion here: the value is a stranger's. */
export function isTooDeep(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) return true;
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []));
  }
  return false;
}
