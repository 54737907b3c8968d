import type { Operation } from '../mod.ts';

export const create = (key: string, value = 'v'): Operation => ({ type: 'create', key, value });

export const update = (key: string, expected: number, value = 'w'): Operation => ({
  type: 'update',
  key,
  value,
  expected,
});

export const remove = (key: string, expected: number): Operation => ({ type: 'delete', key, expected });
