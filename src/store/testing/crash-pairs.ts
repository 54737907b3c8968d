/** What the program that is killed and the test that looks afterwards know of each other. */
export interface Acknowledged {
  readonly writer: number;
  readonly count: number;
  readonly revision: number;
}

export const writers = 5;

export const pairOf = (writer: number) => [`/pair/${writer}/left`, `/pair/${writer}/right`];

/** Every seventh write of a writer deletes its pair. */
export const stateOf = (count: number) => (count % 7 === 0 ? 'deleted' : 'present');
