// Owns the state of rollouts by Git alone: their status blocks, and the requests since.

import { type CodedError, errorToJson, formatError } from '../base/errors.ts';
import { isVersionRange } from '../contract/model-version.ts';
import type { Rollout, RolloutStatus } from '../documents/types.generated.ts';
import type { ManifestsRepository } from '../git/manifests-repository.ts';
import { filesOfCommit } from '../git/repository-files.ts';
import { unknownRollout } from '../requests/find-rollout.ts';
import { exceptedIn } from '../rollout/decision.ts';
import { type LastRejection, lastRejection } from '../rollout/last-rejection.ts';
import { changesOf } from '../rollout/parameter-change.ts';
import { rejects } from '../rollout/rejections.ts';
import { mayResume } from '../rollout/rule-failure.ts';
import { rolloutsOf } from '../snapshot/repository-documents.ts';
import { countOf } from '../wording/amounts.ts';
import { versionInWords } from '../wording/parameters-in-words.ts';
import { type OutlookCells, rejectedWaits } from '../wording/plan-in-words.ts';
import { statusReasonInWords } from '../wording/step-reason-in-words.ts';
import { readManifests } from './manifests-here.ts';
import { exceptionNote, rejectionNote } from './status-table.ts';

const NOTHING = '–';

export interface GitView {
  readonly commit: string;
  readonly rollouts: readonly Rollout[];
  readonly broken: readonly { readonly name: string; readonly errors: readonly CodedError[] }[];
}

/** Throws ROLLOUT_UNKNOWN when one is asked for that is not there. */
export async function readGitView(
  repository: ManifestsRepository,
  commit: string,
  only: string | undefined,
): Promise<GitView> {
  const files = await filesOfCommit(repository, commit);
  const documents = await readManifests(files);
  const found = rolloutsOf(documents);
  const isMeant = (name: string): boolean => only === undefined || name === only;
  const rollouts = found.rollouts.map(({ rollout }) => rollout).filter(({ metadata }) => isMeant(metadata.name));
  const broken = found.broken.filter(({ name }) => isMeant(name));
  if (only === undefined || rollouts.length + broken.length > 0) return { commit, rollouts, broken };
  throw unknownRollout(
    only,
    found.rollouts.map(({ rollout }) => rollout.metadata.name),
  );
}

function waitingFor({ spec, status }: Rollout): string {
  const waits: string[] = [];
  const requests = spec.requests ?? [];
  if (requests.length > 0)
    waits.push(`an answer to ${countOf(requests.length, 'request')}: ${requests.map(({ act }) => act).join(', ')}`);
  if (status?.paused) {
    const who = mayResume(status) ? 'its rules to pass again, or a person' : 'a person';
    waits.push(`${who}: ${statusReasonInWords(status.paused.reason)}`);
  }
  if (spec.suspend === true) waits.push('a person to resume it (spec.suspend)');
  const { parameters = {} } = spec;
  const refused = status?.rejected.find((one) => one.version === spec.version && rejects(one, { ...one, parameters }));
  const now = status?.candidate ?? status?.stable;
  const isPin = spec.version !== 'latest' && !isVersionRange(spec.version);
  if (refused !== undefined && status?.candidate === null)
    waits.push(rejectedWaits({ version: refused.version, reason: refused.reason }));
  else if (spec.suspend !== true && (status === undefined || (isPin && now?.version !== spec.version)))
    waits.push(`the service to pick up ${spec.version}`);
  return waits.length === 0 ? NOTHING : waits.join('; ');
}

function rejectionOf({ status }: Rollout): LastRejection | null {
  return status === undefined ? null : lastRejection(status);
}

function verdictOf(rollout: Rollout): string {
  const rejection = rejectionOf(rollout);
  if (rejection !== null) return `rejected ${versionInWords(rejection.version, rejection)}`;
  const { candidate = null, stable = null } = rollout.status ?? {};
  return candidate === null && stable !== null ? 'complete' : NOTHING;
}

function rollingCell(status: RolloutStatus, { version, parameters }: NonNullable<RolloutStatus['candidate']>): string {
  const where = status.state === 'paused' ? 'paused' : status.stage;
  return `${where} ${versionInWords(version, changesOf(status, parameters))}`;
}

function cellsOf(rollout: Rollout): OutlookCells {
  const { metadata, spec, status } = rollout;
  const { candidate = null, stable = null } = status ?? {};
  const rolling = status === undefined || candidate === null ? null : rollingCell(status, candidate);
  return {
    rollout: metadata.name,
    model: spec.model,
    stage: rolling ?? (stable === null ? NOTHING : `stable ${stable.version}`),
    devices: NOTHING,
    verdict: verdictOf(rollout),
    waitingFor: waitingFor(rollout),
  };
}

/** Rows of the status table; only the service can fill in the rest. */
export function cellsOfGit({ rollouts, broken }: GitView): OutlookCells[] {
  const nothing = { model: NOTHING, stage: NOTHING, devices: NOTHING, verdict: NOTHING };
  const stalled = broken.map(({ name, errors }) => {
    return { rollout: name, ...nothing, waitingFor: `${errors[0]?.code}: ${errors[0]?.message}` };
  });
  return [...rollouts.map(cellsOf), ...stalled].sort((a, b) => (a.rollout < b.rollout ? -1 : 1));
}

/** Rejected versions, groups with an exception, and the errors of broken rollouts. */
export function notesOfGit({ rollouts, broken }: GitView): string[] {
  const ofRollouts = rollouts.flatMap((rollout) => {
    const { name } = rollout.metadata;
    const rejection = rejectionOf(rollout);
    return [
      ...(rejection === null ? [] : [rejectionNote(name, rejection)]),
      ...exceptedIn(rollout.status ?? {}).map((one) => exceptionNote(name, one)),
    ];
  });
  return [...ofRollouts, ...brokenNotes(broken)];
}

function brokenNotes(broken: GitView['broken']): string[] {
  return broken.flatMap(({ errors }) => errors.map(formatError));
}

export function gitViewToJson({ commit, rollouts, broken }: GitView): unknown {
  return {
    commit,
    rollouts: rollouts.map(({ metadata, spec, status }) => ({
      rollout: metadata.name,
      model: spec.model,
      version: spec.version,
      suspended: spec.suspend ?? false,
      requests: spec.requests ?? [],
      rejected: status === undefined ? null : lastRejection(status),
      status: status ?? null,
    })),
    broken: broken.map(({ name, errors }) => ({ rollout: name, errors: errors.map(errorToJson) })),
  };
}
