// Owns the versions of models as their manifests tell them: what each was trained from, and where it stands.
import { clipped, oneLine } from '../../base/plain-text.ts';
import { digestOf } from '../../contract/digest.ts';
import { compareVersions } from '../../contract/model-version.ts';
import type { ModelManifest } from '../../contract/types.generated.ts';
import type { ModelDraft, Rollout, RolloutStatus } from '../../documents/types.generated.ts';
import { type FoundDocuments, rolloutsOf } from '../../snapshot/repository-documents.ts';
import { statusReasonInWords } from '../../wording/step-reason-in-words.ts';

const MOST_TEXT = 300;
const MOST_METRICS = 20;
/** A longer chain goes on at the root. */
const MOST_DEPTH = 500;

export interface VersionStanding {
  readonly rollout: string;
  readonly role: 'stable' | 'candidate' | 'rejected' | 'before';
  /** Stage of a candidate, why it was rejected, until when it was stable. */
  readonly text: string;
}

export interface ModelVersionRow {
  readonly model: string;
  readonly version: string;
  readonly kind: 'manifest' | 'draft';
  readonly digest: string | null;
  readonly owner: string | null;
  readonly description: string | null;
  /** The version that it was trained from. */
  readonly parent: string | null;
  readonly data: string | null;
  readonly code: string | null;
  readonly run: string | null;
  readonly rounds: number | null;
  readonly participants: number | null;
  readonly metrics: readonly { readonly name: string; readonly value: number }[];
  readonly standings: readonly VersionStanding[];
}

function text(value: string | undefined): string | null {
  return value === undefined ? null : clipped(oneLine(value), MOST_TEXT);
}

/** What of a status names the version, by its digest where both have one. */
function standingsIn(
  { metadata: { name: rollout }, status }: Rollout,
  version: string,
  digest: string | null,
): VersionStanding[] {
  if (status === undefined) return [];
  const is = (one: { readonly version: string; readonly digest: string } | null | undefined): boolean =>
    one !== null && one !== undefined && (digest === null ? one.version === version : one.digest === digest);
  const found = (role: VersionStanding['role'], what: string): VersionStanding => ({ rollout, role, text: what });
  const rejected = status.rejected.find(is);
  const before = status.previous?.find(is);
  return [
    ...(is(status.candidate) ? [found('candidate', stageOf(status))] : []),
    ...(is(status.stable) ? [found('stable', '')] : []),
    ...(rejected === undefined ? [] : [found('rejected', clipped(statusReasonInWords(rejected.reason), MOST_TEXT))]),
    ...(before === undefined || is(status.stable) ? [] : [found('before', `until ${oneLine(before.until)}`)]),
  ];
}

function stageOf({ state, stage }: RolloutStatus): string {
  return oneLine(state === 'paused' ? `paused in ${stage}` : `in ${stage}`);
}

function rowOf(
  { kind, metadata, spec }: ModelManifest | ModelDraft,
  digest: string | null,
  rollouts: readonly Rollout[],
): ModelVersionRow {
  const { name: model, version } = metadata;
  const { lineage, metrics = {} } = spec ?? {};
  return {
    ...{ model, version, kind: kind === 'ModelDraft' ? 'draft' : 'manifest', digest },
    ...{ owner: text(metadata.owner), description: text(metadata.description) },
    ...{ parent: text(lineage?.parent), data: text(lineage?.data), code: text(lineage?.code), run: text(lineage?.run) },
    ...{ rounds: lineage?.training?.rounds ?? null, participants: lineage?.training?.participants ?? null },
    metrics: Object.entries(metrics)
      .filter(([, value]) => Number.isFinite(value))
      .slice(0, MOST_METRICS)
      .map(([name, value]) => ({ name: clipped(oneLine(name), 60), value })),
    standings: rollouts
      .filter((rollout) => (rollout.status?.model ?? rollout.spec.model) === model)
      .flatMap((rollout) => standingsIn(rollout, version, digest)),
  };
}

/** By model, the newest version first. */
export function modelVersions(found: FoundDocuments): ModelVersionRow[] {
  const rollouts = rolloutsOf(found).rollouts.map(({ rollout }) => rollout);
  return found.documents
    .flatMap(({ bytes, parsed, file }): ModelVersionRow[] => {
      if (parsed.kind === 'broken' || !file.startsWith(`${found.layout.models}/`)) return [];
      const { document } = parsed;
      if (document.kind === 'ModelDraft') return [rowOf(document, null, rollouts)];
      return document.kind === 'ModelManifest' ? [rowOf(document, digestOf(bytes), rollouts)] : [];
    })
    .sort((a, b) => (a.model === b.model ? compareVersions(b.version, a.version) : a.model < b.model ? -1 : 1));
}

export interface LineageNode {
  readonly version: ModelVersionRow;
  readonly children: readonly LineageNode[];
}

/** Versions below those that they were trained from, oldest first. What has no parent here is a root; so is one of a circle. */
export function lineageOf(versions: readonly ModelVersionRow[]): LineageNode[] {
  const oldestFirst = versions.toSorted((a, b) => compareVersions(a.version, b.version));
  const known = new Set(versions.map(({ version }) => version));
  const byParent = Map.groupBy(oldestFirst, ({ parent, version }) =>
    parent !== null && known.has(parent) && parent !== version ? parent : null,
  );
  const placed = new Set<string>();
  const nodeOf = (version: ModelVersionRow, depth: number): LineageNode[] => {
    if (placed.has(version.version) || depth > MOST_DEPTH) return [];
    placed.add(version.version);
    const below = byParent.get(version.version) ?? [];
    return [{ version, children: below.flatMap((child) => nodeOf(child, depth + 1)) }];
  };
  const roots = (byParent.get(null) ?? []).flatMap((root) => nodeOf(root, 0));
  return [...roots, ...oldestFirst.flatMap((left) => nodeOf(left, 0))];
}
