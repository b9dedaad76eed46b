// Owns published rollouts whose document HEAD does not yield: why, and whether that was meant. What is not found is not gone.
import type { Directive } from '../contract/directive.ts';
import { locateProblems } from '../contract/source/problem.ts';
import { parseDocument } from '../documents/parse-document.ts';
import { nameOfPath, SETTINGS_FILE } from '../documents/repository-layout.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { Tree } from '../git/manifests-repository.ts';
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
  let remains: Remains | undefined;
  for (const rollout of entries) {
    if (named.has(rollout)) continue;
    remains ??= remainsIn(snapshot, snapshot.layout.rollouts);
    const fix: Fix =
      settings === undefined
        ? whyMissing(rollout, remains)
        : { kind: 'document', ...problemOfError(settings, snapshot.settings?.path ?? SETTINGS_FILE) };
    all.set(rollout, { kind: 'lost', fix });
  }
  return all;
}

function orLost(document: RolloutDocument | BrokenDocument): RolloutDocument | LostRollout {
  return document.kind === 'rollout' ? document : { kind: 'lost', fix: { kind: 'document', ...problemOf(document) } };
}

function whyMissing(name: string, { statuses, files, holder }: Remains): Fix {
  const missing = (why: WhyMissing): Fix => ({ kind: 'rollout-missing', code: 'ROLLOUT_MISSING', why });
  const renamed = statuses.get(name);
  if (renamed !== undefined) return missing({ kind: 'renamed', path: renamed });
  const path = files.get(name) ?? holder;
  if (path !== undefined) return missing({ kind: 'misplaced', path });
  return { kind: 'rollout-deleted', code: 'ROLLOUT_DELETED', devices: 0 };
}

/** Evidence lies in a folder that has its rollout's name. */
function folderOf(status: RolloutStatus | undefined): string | undefined {
  return status?.evidence.split('/').at(-2);
}

/** What HEAD has in the place of documents that it does not yield; by their names. */
interface Misplaced {
  /** Files of a name where nothing reads them, whatever the case of their ending; links too. */
  readonly files: ReadonlyMap<string, string>;
  /** A link or submodule that may hold any of them. */
  readonly holder: string | undefined;
}

interface Remains extends Misplaced {
  /** Rollouts that have the status of another one. */
  readonly statuses: ReadonlyMap<string, string>;
}

const ENDING = /\.(ya?ml|json)$/i;

function remainsIn(snapshot: Snapshot, folder: string): Remains {
  const statuses = [...snapshot.rollouts.values()].flatMap((one): [string, string][] => {
    const was = one.kind === 'rollout' ? folderOf(one.rollout.status) : undefined;
    return was === undefined ? [] : [[was, one.path]];
  });
  return { ...misplacedIn(snapshot, folder), statuses: new Map(statuses) };
}

/** Where a fleet document that is read no more may lie now; asks for the tree once, for all that are missing. */
export function fleetDocumentFinder(snapshot: Snapshot): (path: string) => string | undefined {
  let misplaced: Misplaced | undefined;
  return (path) => {
    misplaced ??= misplacedIn(snapshot, snapshot.layout.fleet);
    return misplaced.files.get(nameOfPath(path)) ?? misplaced.holder;
  };
}

/** One walk over the tree, for all that is missing in the folder of one kind of documents. */
function misplacedIn({ tree: root, layout, models, policies, groups, rollouts }: Snapshot, folder: string): Misplaced {
  const files = new Map<string, string>();
  let holder: string | undefined;
  const others = [layout.models, layout.policies, layout.rollouts, layout.fleet].filter((one) => one !== folder);
  const isBroken = (path: string): boolean =>
    [models, policies, rollouts, groups].some((documents) => documents.get(path)?.kind === 'broken');
  const note = (file: string, path: string): void => {
    files.set(nameOfPath(file.replace(ENDING, '.yaml')), path);
  };
  const walk = (tree: Tree, prefix: string): void => {
    for (const skipped of tree.skipped.keys()) {
      const path = prefix + skipped;
      // A link in place of the folder, or of one above or below, may hold it.
      const mayHold = `${folder}/`.startsWith(`${path}/`) || prefix.startsWith(`${folder}/`);
      if (ENDING.test(skipped)) note(skipped, path);
      else if (mayHold) holder ??= path;
    }
    for (const [entry, child] of tree.entries) {
      const path = prefix + entry;
      // Settings of other programs, such as a workflow of the same name.
      if (entry.startsWith('.')) continue;
      if (child.kind === 'tree') {
        if (path !== layout.evidence) walk(child.tree, `${path}/`);
      } else if (ENDING.test(entry) && (isBroken(path) || !others.some((folder) => path.startsWith(`${folder}/`)))) {
        note(entry, path);
      }
    }
  };
  walk(root, '');
  return { files, holder };
}
