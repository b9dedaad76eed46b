// Owns explaining a step of the past: that of a revision, of a version's last stage, or the one that a commit has.
import { findClosestWord } from '../base/closest-word.ts';
import { CodedError } from '../base/errors.ts';
import { clipped, oneLine } from '../base/plain-text.ts';
import type { PastAt } from '../dashboard/read-model/past.ts';
import { subjectOf } from '../snapshot/evidence.ts';
import type { FoundStep } from '../snapshot/last-step.ts';
import type { PastStep, SeenEvidence, StepSignature } from '../snapshot/past-steps.ts';
import { explainEvidence, explanationText, stepJson, stepLines } from './explanation-text.ts';
import { wholeNumberOf } from './option-values.ts';
import type { Result } from './output.ts';

/** At most one of them is given. */
export interface PastMoment {
  readonly version?: string;
  readonly revision?: string;
  readonly commit?: string;
}

/** Steps whose evidence is read to find a version. */
const MOST_READ = 2_000;

export function isOfPast({ version, revision, commit }: PastMoment): boolean {
  return [version, revision, commit].some((one) => one !== undefined);
}

function unknown(what: string, remedy: string, { list }: PastAt): CodedError {
  const cut = list.isCut ? ' The history of this clone is cut off: run `git fetch --unshallow`.' : '';
  return new CodedError({ code: 'STEP_UNKNOWN', message: what, remedy: `${remedy}${cut}` });
}

function ofRevision(past: PastAt, rollout: string, text: string): PastStep {
  const revision = wholeNumberOf('--revision', text, { least: 1, most: 999_999_999 });
  const steps = past.stepsOf(rollout);
  const found = steps.find((step) => step.revision === revision);
  if (found !== undefined) return found;
  const known = steps.flatMap((step) => step.revision ?? []);
  const range = known.length === 0 ? 'It has no steps yet.' : `Its steps are ${known.at(-1)} to ${known[0]}.`;
  throw unknown(`${oneLine(rollout)} has no step ${revision}.`, range, past);
}

/** The step of a commit; of any other commit, the last step before it. */
function ofCommit(past: PastAt, rollout: string, text: string): PastStep {
  const { commits } = past.list;
  const matching = text.length < 4 ? [] : commits.filter(({ commit }) => commit.startsWith(text.toLowerCase()));
  const [commit] = matching;
  const shown = clipped(oneLine(text), 60);
  if (commit === undefined || matching.length > 1)
    throw unknown(
      matching.length > 1 ? `More than one commit begins with ${shown}.` : `The branch has no commit ${shown}.`,
      'Pass at least four characters of one that `slipway history` shows.',
      past,
    );
  const upTo = new Set(commits.slice(commits.indexOf(commit)).map((one) => one.commit));
  const found = past.stepsOf(rollout).find((step) => step.commit !== null && upTo.has(step.commit.commit));
  if (found !== undefined) return found;
  throw unknown(
    `${oneLine(rollout)} had no step at ${commit.commit.slice(0, 10)}.`,
    '`slipway history` shows its steps.',
    past,
  );
}

/** The last step about a version that rests on measurements; else its last. Its name may be the only one that begins so. */
async function ofVersion(past: PastAt, rollout: string, text: string): Promise<PastStep> {
  const byVersion = new Map<string, { measured?: PastStep; last: PastStep }>();
  for (const step of past.stepsOf(rollout).slice(0, MOST_READ)) {
    const evidence = await past.evidenceOf(step);
    // What the reconciler did not sign is not believed.
    const isSeen = evidence.kind === 'seen' && evidence.evidence.signature.kind !== 'not-verified';
    const predicate = isSeen ? evidence.evidence.predicate : null;
    const version = predicate === null ? undefined : subjectOf(predicate)?.version;
    if (version === undefined) continue;
    const known = byVersion.get(version) ?? { last: step };
    if (predicate?.verdict && known.measured === undefined) known.measured = step;
    byVersion.set(version, known);
    if (version === text && known.measured !== undefined) break;
  }
  const near = [...byVersion.keys()].filter((version) => version.startsWith(text));
  const found = byVersion.get(text) ?? (near.length === 1 ? byVersion.get(near[0] ?? '') : undefined);
  if (found !== undefined) return found.measured ?? found.last;
  const close = near[0] ?? findClosestWord(text, [...byVersion.keys()]);
  const meant = close === undefined ? '' : `Did you mean ${oneLine(close)}? `;
  const names = [...byVersion.keys()].slice(0, 10).map((one) => clipped(oneLine(one), 60));
  const known = names.length === 0 ? 'No evidence of it is here.' : `Versions with evidence: ${names.join(', ')}.`;
  throw unknown(`${oneLine(rollout)} never had ${clipped(oneLine(text), 60)}.`, meant + known, past);
}

function signatureOf(signature: StepSignature): FoundStep['signature'] {
  switch (signature.kind) {
    case 'verified':
      return { kind: 'good', keyId: signature.keyId };
    case 'unknown':
      return { kind: 'unknown' };
    default:
      return { kind: 'bad', reason: signature.reason };
  }
}

async function seenOf(past: PastAt, step: PastStep): Promise<SeenEvidence> {
  const answer = await past.evidenceOf(step);
  if (answer.kind === 'seen') return answer.evidence;
  const why = {
    missing: 'is not in this repository',
    unreadable: "can't be read",
    'of-another-step': 'is not the one that its commit names',
  }[answer.kind];
  const own = step.commit === null ? '' : ` \`git show ${step.commit.commit.slice(0, 10)}\` has what its commit says.`;
  throw new CodedError({
    code: 'EVIDENCE_MISSING',
    message: `The evidence of step ${oneLine(step.transition)}, ${oneLine(step.file)}, ${why}.`,
    remedy: `Fetch the whole history (\`git fetch --unshallow\`), or pass the URL of the repository with --repo.${own}`,
  });
}

/** Throws STEP_UNKNOWN, EVIDENCE_MISSING, EVIDENCE_UNREADABLE. */
export async function explainPast(past: PastAt, rollout: string, moment: PastMoment): Promise<Result> {
  const { version, revision, commit } = moment;
  if ([version, revision, commit].filter((one) => one !== undefined).length > 1)
    throw new CodedError({
      code: 'USAGE',
      message: 'More than one of --version, --revision and --commit is given.',
      remedy: 'Pass one of them.',
    });
  const step =
    revision !== undefined
      ? ofRevision(past, rollout, revision)
      : commit !== undefined
        ? ofCommit(past, rollout, commit)
        : await ofVersion(past, rollout, version ?? '');
  const { predicate, file, signature } = await seenOf(past, step);
  const found = { predicate, file, signature: signatureOf(signature), commit: step.commit?.commit ?? null };
  const explanation = predicate.verdict === null ? null : explainEvidence(found);
  const blocks = [
    stepLines(found).join('\n'),
    explanation === null ? 'This step rests on no measurements.' : explanationText(explanation),
  ];
  return {
    json: {
      ...{ from: 'git', rollout, status: predicate.status, newest: stepJson(found), measured: null, refused: null },
      ...{ explanation, verdict: predicate.verdict, cohort: predicate.cohort },
      ...{ window: predicate.window, terms: predicate.terms },
    },
    text: [`${oneLine(rollout)}, as it was then.`, ...blocks].join('\n\n'),
  };
}
