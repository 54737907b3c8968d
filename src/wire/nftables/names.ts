/** A C enumeration: names and their numbers. */
export type Names = Readonly<Record<string, number>>;

export function nameOf<Table extends Names>(table: Table, number: number | undefined): keyof Table | undefined {
  return Object.keys(table).find((name) => table[name] === number);
}
