// Owns where the documents of a repository lie: in folders that `slipway.yaml` may name, each kind in its own.
import type { Problem } from '../contract/source/problem.ts';
import type { Repository } from './types.generated.ts';

export const SETTINGS_FILE = 'slipway.yaml';

export type Layout = Required<NonNullable<NonNullable<Repository['spec']>['layout']>>;

/** Where documents lie unless `slipway.yaml` says otherwise. */
export const DEFAULT_LAYOUT: Layout = {
  models: 'models',
  policies: 'policies',
  rollouts: 'rollouts',
  fleet: 'fleet',
  evidence: 'evidence',
};

/** Folders in one another would be read as two kinds. */
export function checkRepository({ spec }: Repository): Problem[] {
  const given = Object.keys(spec?.layout ?? {}) as (keyof Layout)[];
  const layout = { ...DEFAULT_LAYOUT, ...spec?.layout };
  const all = Object.entries(layout);
  return given.flatMap((kind): Problem[] => {
    const folder = layout[kind];
    const other = all.find(([name, its]) => name !== kind && `${folder}/`.startsWith(`${its}/`));
    if (other === undefined) return [];
    const message = `\`${kind}\` is inside \`${other[1]}\`, the folder of \`${other[0]}\`.`;
    const remedy = 'Give each kind of document its own folder, outside the others.';
    return [{ code: 'REPOSITORY_LAYOUT', path: ['spec', 'layout', kind], message, remedy }];
  });
}

/** The name that a document's path gives it: the file's name without its ending. */
export function nameOfPath(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.(ya?ml|json)$/, '');
}
