/** Takes one of `count` ways at random, of which way i is taken with the probability `probabilityOf(i)`. */
export type Choose = (count: number, probabilityOf: (way: number) => number) => number;

interface Crossroads {
  readonly count: number;
  readonly probabilityOf: (way: number) => number;
  way: number;
}

/**
 * Runs the function once for each way through its random choices: a run repeats the choices of the one before it up to
 * the last that has another way left. Ways that are never taken are left out, so the probabilities add up to 1.
 */
export function* everyRun<Result>(run: (choose: Choose) => Result): Generator<{ probability: number; result: Result }> {
  const taken: Crossroads[] = [];
  do {
    let next = 0;
    const result = run((count, probabilityOf) => {
      const known = taken[next++];
      if (known) return known.way;
      const crossroads = { count, probabilityOf, way: -1 };
      advance(crossroads);
      taken.push(crossroads);
      return crossroads.way;
    });
    yield { probability: taken.reduce((product, { way, probabilityOf }) => product * probabilityOf(way), 1), result };
    while (taken.length > 0 && !advance(taken.at(-1)!)) taken.pop();
  } while (taken.length > 0);
}

/** To the next way that is ever taken; false when there is none. */
function advance(crossroads: Crossroads): boolean {
  do crossroads.way++;
  while (crossroads.way < crossroads.count && crossroads.probabilityOf(crossroads.way) <= 0);
  return crossroads.way < crossroads.count;
}
