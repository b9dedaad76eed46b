// Owns what differs between two commits of the branch: what rollouts ask for, what was decided, and how many devices that moves.
import { clipped, oneLine } from '../../base/plain-text.ts';
import type { Rollout } from '../../documents/types.generated.ts';
import { filesOfCommit } from '../../git/repository-files.ts';
import type { EvidencePredicate } from '../../snapshot/evidence.ts';
import type { PastStep } from '../../snapshot/past-steps.ts';
import { readDocuments, rolloutsOf } from '../../snapshot/repository-documents.ts';
import { evidenceOf } from './attempts.ts';
import type { PastAt, PastRepository } from './past.ts';

export interface DeclaredState {
  readonly model: string;
  /** `spec.version`, with the parameters that are asked for. */
  readonly asked: string;
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  readonly target: string;
  readonly stable: string | null;
  readonly candidate: string | null;
  readonly stage: string | null;
  readonly revision: number | null;
  /** Devices for which a version is declared, as the evidence of the status counts them; null where it does not. */
  readonly devices: readonly { readonly version: string; readonly count: number }[] | null;
}

export interface RolloutDiff {
  readonly rollout: string;
  /** Null: it was not there. */
  readonly before: DeclaredState | null;
  readonly after: DeclaredState | null;
  /** Devices for which another version is declared; null where evidence does not say. */
  readonly moved: number | null;
}

export interface CommitDiff {
  readonly from: string;
  readonly to: string;
  /** Rollouts that differ. */
  readonly rollouts: readonly RolloutDiff[];
}

function name(value: string): string {
  return clipped(oneLine(value), 200);
}

/** Who has which version after a step, by the devices that it counted. */
function declaredDevices({ status, cohort, inputs }: EvidencePredicate): DeclaredState['devices'] {
  const { chosen } = inputs;
  const all = chosen?.known ?? cohort?.matching;
  if (all === undefined) return null;
  const wanted = status.candidate === null ? 0 : (chosen?.wanted ?? cohort?.wanted ?? 0);
  const of = (version: string | undefined, count: number) =>
    version === undefined || count <= 0 ? [] : [{ version: name(version), count }];
  return [...of(status.candidate?.version, wanted), ...of(status.stable?.version, all - wanted)];
}

async function stateOf(past: PastAt, { metadata, spec, status }: Rollout): Promise<DeclaredState> {
  const file = status?.evidence ?? null;
  const step: PastStep | null =
    file === null
      ? null
      : { rollout: metadata.name, revision: null, transition: '', commit: null, trailers: null, file };
  const evidence = step === null ? null : await evidenceOf(past, step);
  return {
    model: name(status?.model ?? spec.model),
    ...{ asked: name(spec.version), parameters: spec.parameters ?? {}, target: name(spec.target) },
    stable: status?.stable ? name(status.stable.version) : null,
    candidate: status?.candidate ? name(status.candidate.version) : null,
    stage: status?.stage ? name(status.stage) : null,
    revision: status?.revision ?? null,
    devices:
      evidence === null || evidence.signature.kind === 'not-verified' ? null : declaredDevices(evidence.predicate),
  };
}

export async function statesAt(past: PastAt, repository: PastRepository): Promise<Map<string, DeclaredState>> {
  const { rollouts } = rolloutsOf(await readDocuments(await filesOfCommit(repository, past.list.head)));
  const states = new Map<string, DeclaredState>();
  for (const { rollout } of rollouts) states.set(rollout.metadata.name, await stateOf(past, rollout));
  return states;
}

function movedBetween(before: DeclaredState | undefined, after: DeclaredState | undefined): number | null {
  if (before?.devices === null || after?.devices === null) return null;
  const counts = new Map<string, number>();
  for (const { version, count } of after?.devices ?? []) counts.set(version, count);
  for (const { version, count } of before?.devices ?? []) counts.set(version, (counts.get(version) ?? 0) - count);
  const changes = [...counts.values()];
  const gained = changes.filter((one) => one > 0).reduce((sum, one) => sum + one, 0);
  const lost = -changes.filter((one) => one < 0).reduce((sum, one) => sum + one, 0);
  return Math.max(gained, lost);
}

export async function diffCommits(from: PastAt, to: PastAt, repository: PastRepository): Promise<CommitDiff> {
  const [before, after] = [await statesAt(from, repository), await statesAt(to, repository)];
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  const rollouts = names.flatMap((rollout): RolloutDiff[] => {
    const [was, is] = [before.get(rollout), after.get(rollout)];
    if (JSON.stringify(was) === JSON.stringify(is)) return [];
    return [{ rollout, before: was ?? null, after: is ?? null, moved: movedBetween(was, is) }];
  });
  return { from: from.list.head, to: to.list.head, rollouts };
}
