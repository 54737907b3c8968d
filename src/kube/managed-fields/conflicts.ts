import { failure, type Status } from '../status.ts';
import { compareText, type ManagedEntry } from './entries.ts';
import { printPath } from './field-set.ts';

/** A field that somebody else owns and that the applied configuration would change. */
export interface Conflict {
  readonly owner: ManagedEntry;
  readonly path: readonly string[];
}

/** The 409 in upstream's words: each cause names the manager and the field. */
export function applyConflict(conflicts: readonly Conflict[]): Status {
  const described = conflicts
    .map(({ owner, path }): Described => ({ owner: printOwner(owner), field: printPath(path) }))
    .sort((a, b) => compareText(a.owner, b.owner) || compareText(a.field, b.field));
  const causes = described.map(({ owner, field }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${owner}`,
    field,
  }));
  return failure('Conflict', messageOf(described), { causes });
}

interface Described {
  readonly owner: string;
  readonly field: string;
}

function messageOf(described: readonly Described[]): string {
  const [first] = described;
  if (described.length === 1) return `Apply failed with 1 conflict: conflict with ${first!.owner}: ${first!.field}`;
  const owners = [...new Set(described.map(({ owner }) => owner))];
  const lines = owners.flatMap((owner) => [
    `conflicts with ${owner}:`,
    ...described.filter((each) => each.owner === owner).map(({ field }) => `- ${field}`),
  ]);
  return `Apply failed with ${described.length} conflicts: ${lines.join('\n')}`;
}

function printOwner({ manager, operation, apiVersion, subresource }: ManagedEntry): string {
  const through = subresource ? ` with subresource ${JSON.stringify(subresource)}` : '';
  const version = operation === 'Update' ? ` using ${apiVersion}` : '';
  return `${JSON.stringify(manager)}${through}${version}`;
}
