// Owns published rollouts whose document HEAD does not yield: why, and whether that was meant. What is not found is not gone.
import type { Directive } from '../contract/directive.ts';
import { locateProblems } from '../contract/source/problem.ts';
import { parseDocument } from '../documents/parse-document.ts';
import { type Layout, nameOfPath } from '../documents/repository-layout.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import { findInTree, type Tree } from '../git/manifests-repository.ts';
import type { Place } from '../rollout/holdings.ts';
import type { WhyMissing } from '../rollout/missing-rollout.ts';
import type { Fix } from '../rollout/reasons.ts';
import type { BrokenDocument, RolloutDocument, Snapshot } from './snapshot.ts';
import { rolloutsByName, settingsErrors } from './snapshot-index.ts';
import { problemOf, problemOfError } from './standing.ts';

/** Where a rollout's target is written. */
export function placeOfTarget({ path, text }: Pick<RolloutDocument, 'path' | 'text'>): Place {
  const parsed = parseDocument(path, Buffer.from(text));
  const problem = { code: 'ROLLOUT_TARGETS_OVERLAP', path: ['spec', 'target'], message: '', remedy: '' };
  const [located] = parsed.kind === 'parsed' ? locateProblems(parsed.source, [problem]) : [];
  const { line = null, column = null } = located?.at ?? {};
  return { file: path, line, column };
}

/** A rollout that HEAD does not yield. */
export interface LostRollout {
  readonly kind: 'lost';
  readonly fix: Fix;
}

/** Every rollout of the snapshot and of what is published, by name. */
export function rolloutsOrLost(
  snapshot: Snapshot,
  published: Directive | null,
): ReadonlyMap<string, RolloutDocument | LostRollout> {
  const named = rolloutsByName(snapshot);
  const entries = new Set((published?.entries ?? []).map(({ rollout }) => rollout));
  const all = new Map([...named].map(([name, document]) => [name, orLost(document)]));
  for (const [name, document] of all) {
    const was = document.kind === 'rollout' ? folderOf(document.rollout.status) : undefined;
    if (was === undefined || was === name || named.has(was) || !entries.has(was)) continue;
    all.set(name, { kind: 'lost', fix: { kind: 'rollout-renamed', code: 'ROLLOUT_RENAMED', was } });
  }
  const [settings] = settingsErrors(snapshot.settings);
  for (const rollout of entries) {
    if (named.has(rollout)) continue;
    const fix: Fix =
      settings === undefined
        ? whyMissing(rollout, snapshot)
        : { kind: 'document', ...problemOfError(settings, 'slipway.yaml') };
    all.set(rollout, { kind: 'lost', fix });
  }
  return all;
}

function orLost(document: RolloutDocument | BrokenDocument): RolloutDocument | LostRollout {
  return document.kind === 'rollout' ? document : { kind: 'lost', fix: { kind: 'document', ...problemOf(document) } };
}

function whyMissing(name: string, snapshot: Snapshot): Fix {
  const { tree, layout, rollouts } = snapshot;
  const missing = (why: WhyMissing): Fix => ({ kind: 'rollout-missing', code: 'ROLLOUT_MISSING', why });
  const renamed = [...rollouts.values()].find((one) => one.kind === 'rollout' && folderOf(one.rollout.status) === name);
  if (renamed !== undefined) return missing({ kind: 'renamed', path: renamed.path });
  const remains = findRemains(name, tree, layout, isBrokenIn(snapshot));
  if (remains !== undefined) return missing({ kind: 'misplaced', path: remains });
  return findInTree(tree, `${layout.evidence}/${name}`)?.kind === 'tree'
    ? { kind: 'rollout-deleted', code: 'ROLLOUT_DELETED', devices: 0 }
    : missing({ kind: 'other-history', folder: layout.rollouts });
}

/** Evidence lies in a folder that has its rollout's name. */
function folderOf(status: RolloutStatus | undefined): string | undefined {
  return status?.evidence.split('/').at(-2);
}

function isBrokenIn({ models, policies, groups }: Snapshot): (path: string) => boolean {
  return (path) => [models, policies, groups].some((documents) => documents.get(path)?.kind === 'broken');
}

/** A file of that name, whatever the case of its ending; or a link or submodule that may hold it. Undefined when there is none. */
function findRemains(
  name: string,
  root: Tree,
  layout: Layout,
  isBroken: (path: string) => boolean,
): string | undefined {
  const others = [layout.models, layout.policies, layout.fleet];
  const isDocumentOf = (file: string): boolean =>
    /\.(ya?ml|json)$/i.test(file) && nameOfPath(file.replace(/\.[^.]+$/, '.yaml')) === name;
  const search = (tree: Tree, prefix: string): string | undefined => {
    for (const skipped of tree.skipped.keys()) {
      const path = prefix + skipped;
      // A link in place of the folder, or of one above or below, may hold it.
      const mayHold = `${layout.rollouts}/`.startsWith(`${path}/`) || prefix.startsWith(`${layout.rollouts}/`);
      if (isDocumentOf(skipped) || (mayHold && !skipped.includes('.'))) return path;
    }
    for (const [entry, child] of tree.entries) {
      const path = prefix + entry;
      if (child.kind === 'tree') {
        const found = path === layout.evidence ? undefined : search(child.tree, `${path}/`);
        if (found !== undefined) return found;
      } else if (isDocumentOf(entry)) {
        const isOfOther = others.some((folder) => path.startsWith(`${folder}/`));
        if (!isOfOther || isBroken(path)) return path;
      }
    }
    return undefined;
  };
  return search(root, '');
}
